import json
from urllib.parse import quote, quote_plus

import pytest

from blackcat.infra.redaction import MASK, Redactor

CANARY = 'canary-7f3a/9"Zq+é'


@pytest.fixture
def redactor():
    made = Redactor()
    made.learn(CANARY)
    return made


@pytest.mark.parametrize(
    "text",
    [
        f"connecting with {CANARY} now",
        json.dumps({"exception": f"bad key {CANARY}"}),
        json.dumps({"exception": f"bad key {CANARY}"}, ensure_ascii=False),
        json.dumps({"body": json.dumps({"key": CANARY}, ensure_ascii=False)}, ensure_ascii=False),
        str(KeyError(CANARY)),
        f"https://api.example.com/?key={quote(CANARY, safe='')}",
        f"https://api.example.com/{quote(CANARY)}",
        f"https://api.example.com/?key={quote_plus(CANARY)}",
        CANARY * 2,
    ],
)
def test_a_known_secret_is_masked_wherever_it_stands(redactor, text):
    redacted = redactor.text(text)
    assert "canary" not in redacted
    assert MASK in redacted


def test_each_line_of_a_secret_of_several_lines_is_masked():
    redactor = Redactor()
    redactor.learn("first-canary\nsecond-canary")
    assert redactor.text("read first-canary and second-canary") == f"read {MASK} and {MASK}"


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer hidden-value-1",
        "'authorization': 'Basic hidden-value-1'",
        "Authorization: Digest username=ana, response=hidden-value-1",
        "Cookie: a=1; session=hidden-value-1",
        '{"password": "hidden-value-1"}',
        '{"body": "{\\"password\\": \\"hidden-value-1\\"}"}',
        "{'refresh_token': 'hidden-value-1'}",
        "password=hidden-value-1&user=ana",
        'password: "hidden-value-1, with more"',
        "https://example.com/?access_token=hidden-value-1&x=1",
        "postgres://ana:hidden-value-1@db.example.com/shop",
        "postgres://ana:a/b@hidden-value-1@db.example.com/shop",
        "AWS_SECRET_ACCESS_KEY=hidden-value-1",
        "https://sqs/?X-Amz-Signature=hidden-value-1&X-Amz-Date=20260101",
        "x-api-key: hidden-value-1",
        "api-key: hidden-value-1",
        "Server=db;Uid=ana;Pwd=hidden-value-1;",
        "passphrase=hidden-value-1",
        "password: hidden-value-1 is wrong",
        "password: hidden-value-1 the rest",
        "password=the-hidden-value-1 of all",
        "-----BEGIN RSA PRIVATE KEY-----\nhidden-value-1\n-----END RSA PRIVATE KEY-----",
    ],
)
def test_what_looks_like_a_credential_is_masked(text):
    redacted = Redactor().text(text)
    assert "hidden-value-1" not in redacted


@pytest.mark.parametrize(
    "text",
    [
        "queue start_payment_cmd: 12 messages",
        "https://sqs.us-east-1.example.com/000/q?x=1",
        "a token was refused",
        "design: done",
        "SECRET_NAME: did you mean SECRETS_NAME?",
        "api_key: Field required",
        "token: Input should be a valid string; password: Value error, it is too short",
        "there is no such token: create it",
    ],
)
def test_ordinary_text_stays_as_it_is(text):
    assert Redactor().text(text) == text


@pytest.mark.parametrize("word", ["set", "field", "a", "the"])
def test_a_word_of_advice_that_stands_alone_is_masked_as_any_other(word):
    assert Redactor().text(f"password: {word}") == f"password: {MASK}"
    assert Redactor().text(f"password={word} it") == f"password={MASK} it"
    assert Redactor().text(f"password: {word}-1 it") == f"password: {MASK} it"


def test_values_under_telling_keys_are_masked_at_any_depth():
    fields = {
        "user": "ana",
        "db": {"Password": "x", "port": 5432},
        "headers": [{"X-Api-Key": "k"}],
        "token": None,
        "passwords": ["a", "b"],
    }
    assert Redactor().fields(fields) == {
        "user": "ana",
        "db": {"Password": MASK, "port": 5432},
        "headers": [{"X-Api-Key": MASK}],
        "token": None,
        "passwords": MASK,
    }


def test_a_secret_in_numbers_leaves_numbers_as_they_are():
    redactor = Redactor()
    redactor.learn("1234")
    assert redactor.fields({"duration_ms": 1234.6, "text": "the pin 1234"}) == {
        "duration_ms": 1234.6,
        "text": f"the pin {MASK}",
    }


class WithoutText:
    def __str__(self):
        raise ZeroDivisionError


def test_whatever_is_logged_becomes_a_type_of_json(redactor):
    fields = redactor.fields(
        {"odd": WithoutText(), "set": {CANARY}, 7: (1, None), "object": Exception(CANARY)}
    )
    assert fields == {
        "odd": "<WithoutText without text>",
        "set": [MASK],
        "7": [1, None],
        "object": MASK,
    }


def test_a_short_value_is_not_learned_for_it_would_mask_ordinary_words():
    redactor = Redactor()
    redactor.learn("dev")
    assert redactor.text("environment dev") == "environment dev"
