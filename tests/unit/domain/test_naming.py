"""Names: what is accepted, in which forms, and what is refused with which advice."""

import keyword

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackcat.domain.naming import NAME_MAX, PACKAGE_MAX, Name
from blackcat.domain.service import Service, ServiceType
from blackcat.errors import ConfigurationError, InvalidName
from blackcat.resources import QueueResource

LIKE_NAMES = st.text(alphabet="abcXYZ019-_", min_size=1, max_size=70)
WORDS = st.lists(st.from_regex("[a-z][a-z0-9]{0,9}", fullmatch=True), min_size=1, max_size=6)


def accepted(text):
    try:
        return Name.parse(text, what="service")
    except InvalidName:
        return None


@pytest.mark.parametrize(
    ("text", "snake"),
    [
        ("start-payment", "start_payment"),
        ("start_payment", "start_payment"),
        ("startPayment", "start_payment"),
        ("StartPayment", "start_payment"),
        ("START_PAYMENT", "start_payment"),
        ("start-Payment_now", "start_payment_now"),
        ("HTTPServer2", "http_server2"),
        ("sendEMail", "send_e_mail"),
        ("parseXML", "parse_xml"),
        ("S3Upload", "s3_upload"),
        ("s3upload", "s3upload"),
        ("payment2start", "payment2start"),
        ("start-2nd-payment", "start_2nd_payment"),
        ("x", "x"),
        ("credits", "credits"),
    ],
)
def test_every_case_is_read(text, snake):
    assert Name.parse(text, what="service").snake == snake


def test_the_forms_of_a_name():
    name = Name.parse("startHTTPPayment", what="service")
    assert name.words == ("start", "http", "payment")
    assert name.snake == "start_http_payment"
    assert name.kebab == "start-http-payment"
    assert name.pascal == "StartHttpPayment"
    assert name.upper == "START_HTTP_PAYMENT"
    assert name.title == "Start http payment"


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("", "it is empty; use letters"),
        (" ", "use letters, digits"),
        ("start payment", "use letters, digits"),
        ("start__payment", "use letters, digits"),
        ("_start", "use letters, digits"),
        ("start-", "use letters, digits"),
        ("start;rm", "use letters, digits"),
        ("start\n", "use letters, digits"),
        ("{{x}}", "use letters, digits"),
        ("2start", "starts with a digit"),
        ("pagamento_é", "beyond ASCII, which AWS refuses in names; write it as pagamento_e"),
        ("emitir-cobrança", "write it as emitir-cobranca"),
        ("оrder", "beyond ASCII, which AWS refuses in names; use letters"),  # noqa: RUF001 - the first letter is Cyrillic: that is the point
        ("../start", "'.' or a slash"),
        ("a/b", "'.' or a slash"),
        ("a\\b", "'.' or a slash"),
        ("start.py", "'.' or a slash"),
        ("class", "means something to Python: add a word, such as class_orders"),
        ("match", "means something to Python"),
        ("none", "None means something to Python"),
        ("self", "means something to Python"),
        ("list", "hide Python's own list: add a word"),
        ("Exception", "hide Python's own Exception"),
        ("timeout-error", "hide Python's own TimeoutError"),
        ("a" * (NAME_MAX + 1), "64 characters as its own snake case, and 63 fit: shorten it"),
        ("A" + "b" * 40 + "C" + "d" * 21 + "E", "shorten it"),
    ],
)
def test_what_could_not_be_used_is_refused_with_advice(text, advice):
    with pytest.raises(InvalidName) as refused:
        Name.parse(text, what="service")
    assert advice in str(refused.value)
    assert "cannot be the name of a service" in str(refused.value)
    assert isinstance(refused.value, ConfigurationError)


def test_a_refusal_does_not_repeat_a_text_without_end():
    with pytest.raises(InvalidName) as refused:
        Name.parse("x" * 10_000, what="service")
    assert len(str(refused.value)) < 300


def test_the_longest_name_fits():
    assert Name.parse("a" * NAME_MAX, what="service").snake == "a" * NAME_MAX


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("domain", "every project has something called domain"),
        ("Services", "every project has something called services"),
        ("blackcat", "every project has something called blackcat"),
        ("calendar", "Python's own module calendar: add a word, such as calendar_orders"),
        ("Sqlite3", "hide Python's own module sqlite3"),
        ("acme-billing", "hide the installed package acme_billing"),
        ("build", "tools pass over a folder called build"),
        ("a" * (PACKAGE_MAX + 1), "it may have 40 characters: shorten it"),
        ("class", "means something to Python"),
    ],
)
def test_a_package_must_not_hide_another(text, advice):
    with pytest.raises(InvalidName, match="cannot be the name of a context") as refused:
        Name.parse_package(text, what="context", installed=["acme_billing"])
    assert advice in str(refused.value)


def test_a_package_may_have_any_other_name():
    assert Name.parse_package("AcmeBilling", what="context").snake == "acme_billing"


@given(LIKE_NAMES)
def test_a_name_that_is_accepted_can_be_used_everywhere(text):
    name = accepted(text)
    if name is None:
        return
    for form in (name.snake, name.pascal, name.upper):
        assert form.isidentifier()
        assert not keyword.iskeyword(form)
    QueueResource(f"{name.snake}_cmd.fifo")  # with its dead-letter queue
    Service(name=name.kebab, type=ServiceType.WORKER, entrypoint=f"{name.snake}:{name.pascal}")


@given(LIKE_NAMES)
def test_a_name_is_the_same_name_in_snake_and_kebab_case(text):
    name = accepted(text)
    if name is not None:
        assert Name.parse(name.snake, what="service") == name
        assert Name.parse(name.kebab, what="service") == name


@given(WORDS)
def test_words_come_back_from_every_case(words):
    name = accepted("-".join(words))
    if name is None:
        return
    assert name.words == tuple(words)
    # One letter alone cannot be told from the start of an acronym: aB is read as it looks.
    if all(len(word) > 1 and word[1].isalpha() for word in words):
        assert Name.parse(name.pascal, what="service") == name


@given(st.text(max_size=20))
def test_any_text_is_read_or_refused(text):
    accepted(text)
