from datetime import timedelta
from decimal import Decimal

import pytest

from blackcat import Attribute, OutgoingMessage
from blackcat.domain.outgoing import MAX_MESSAGE_BYTES
from blackcat.errors import InvalidMessage


def attributes(count):
    return {f"a{number}": Attribute("x") for number in range(count)}


@pytest.mark.parametrize(
    ("build", "says"),
    [
        (lambda: OutgoingMessage(""), "at least one character"),
        (lambda: OutgoingMessage("a\x00b"), "U+0000, at position 1"),
        (lambda: OutgoingMessage("a\ud800"), "U+D800"),
        (lambda: OutgoingMessage("a\uffff"), "U+FFFF"),
        (lambda: OutgoingMessage("x" * (MAX_MESSAGE_BYTES + 1)), "over the limit of 1048576"),
        (lambda: OutgoingMessage("ã" * (MAX_MESSAGE_BYTES // 2 + 1)), "over the limit"),
        (lambda: OutgoingMessage("x", attributes(11)), "takes 10 attributes, not 11"),
        (lambda: OutgoingMessage("x", {"AWS.x": Attribute("y")}), "attribute name 'AWS.x' is not allowed"),
        (lambda: OutgoingMessage("x", {"a..b": Attribute("y")}), "is not allowed"),
        (lambda: OutgoingMessage("x", {".a": Attribute("y")}), "is not allowed"),
        (lambda: OutgoingMessage("x", {"a": Attribute("")}), "attribute 'a' is empty"),
        (lambda: OutgoingMessage("x", {"a": Attribute("\x01")}), "send it as bytes"),
        (lambda: OutgoingMessage("x", delay=timedelta(minutes=16)), "delay must lie"),
        (lambda: OutgoingMessage("x", group_id="a b"), "group_id must be"),
        (lambda: OutgoingMessage("x", group_id="g" * 129), "group_id must be"),
        (lambda: OutgoingMessage("x", deduplication_id=""), "deduplication_id must be"),
    ],
)
def test_a_message_that_no_queue_takes_cannot_be_built(build, says):
    with pytest.raises(InvalidMessage) as refused:
        build()
    assert says in str(refused.value)


def test_a_message_of_exactly_the_limit_is_taken():
    message = OutgoingMessage(
        "x" * (MAX_MESSAGE_BYTES - len("nameStringvalue")), {"name": Attribute("value")}
    )
    assert message.size == MAX_MESSAGE_BYTES


def test_unicode_and_line_breaks_are_taken():
    OutgoingMessage("olá 🐈‍⬛\r\n\t{}", attributes(10), delay=timedelta(minutes=15), group_id="g-1/!")


@pytest.mark.parametrize(
    ("value", "attribute"),
    [
        ("text", Attribute("text", "String")),
        (b"\x00", Attribute(b"\x00", "Binary")),
        (7, Attribute("7", "Number")),
        (Decimal("1.50"), Attribute("1.50", "Number")),
        (Attribute("1", "Number.int"), Attribute("1", "Number.int")),
    ],
)
def test_plain_values_become_attributes(value, attribute):
    assert Attribute.of(value) == attribute


@pytest.mark.parametrize("value", [None, True, float("nan"), float("inf"), ["a"], 10**40])
def test_what_sqs_would_refuse_as_an_attribute_is_refused_here(value):
    with pytest.raises(InvalidMessage):
        Attribute.of(value)
