import json

from blackcat import Attribute, Message
from blackcat.application.consumer.dead_letters import dead_letter_copy
from blackcat.domain.envelope import unwrapped
from blackcat.domain.outcome import Rejected
from blackcat.domain.outgoing import MAX_MESSAGE_BYTES

TRACE = "Root=1-67891233-abcdef012345678912345678;Parent=53995c3f42cd8ad8;Sampled=1"


def copy(message, reason="no such customer", error=None, redact=str):
    return dead_letter_copy(message, Rejected(reason, error), service="orders", version="1.2", redact=redact)


def test_it_keeps_body_and_attributes_and_says_why():
    made = copy(
        Message(
            id="m",
            body="{}",
            attributes={"own": Attribute("1", "Number")},
            receive_count=3,
            group_id="g",
            trace_header=TRACE,
        ),
        error=ValueError("x"),
    )
    assert made.body == "{}"
    assert made.group_id == "g"
    assert made.attributes == {
        "own": Attribute("1", "Number"),
        "blackcat.reason": Attribute("no such customer"),
        "blackcat.exception": Attribute("ValueError"),
        "blackcat.attempts": Attribute("3", "Number"),
        "blackcat.service": Attribute("orders"),
        "blackcat.version": Attribute("1.2"),
        "blackcat.trace_id": Attribute("67891233abcdef012345678912345678"),
    }


def test_an_envelope_stays_around_the_body():
    notification = json.dumps(
        {"Type": "Notification", "MessageId": "1", "TopicArn": "t", "Message": "{}", "Timestamp": "2026"}
    )
    assert copy(unwrapped(Message(id="m", body=notification))).body == notification


def test_the_reason_goes_last_when_attributes_are_taken():
    nine = {f"a{number}": Attribute("x") for number in range(9)}
    assert set(copy(Message(id="m", body="{}", attributes=nine)).attributes) == {*nine, "blackcat.reason"}
    ten = {**nine, "a9": Attribute("x")}
    assert copy(Message(id="m", body="{}", attributes=ten)).attributes == ten


def test_a_body_of_the_full_size_is_kept_without_explanation():
    body = "x" * MAX_MESSAGE_BYTES
    made = copy(Message(id="m", body=body))
    assert (made.body, made.attributes) == (body, {})


def test_the_reason_is_redacted_printable_and_short():
    made = copy(
        Message(id="m", body="{}"),
        reason="bad\x00key canary\n" + "x" * 5000,
        redact=lambda text: text.replace("canary", "***"),
    )
    reason = made.attributes["blackcat.reason"].value
    assert reason.startswith("bad?key *** x")
    assert len(reason) == 1000


def test_a_fifo_copy_is_deduplicated_by_the_message_itself():
    assert copy(Message(id="m-1", body="{}", group_id="g", deduplication_id="d")).deduplication_id == "m-1"
    assert copy(Message(id="m-1", body="{}")).deduplication_id is None


def test_what_an_earlier_copy_told_makes_room_for_what_is_true_now():
    attributes = {f"a{number}": Attribute("x") for number in range(4)}
    earlier = {
        "blackcat.reason": Attribute("an old one"),
        "blackcat.version": Attribute("0.9"),
    }
    message = Message(id="m-1", body="{}", attributes={**attributes, **earlier}, receive_count=2)
    copy = dead_letter_copy(message, Rejected("a new one"), service="orders", version="", redact=str)
    assert copy.attributes["blackcat.reason"].value == "a new one"
    assert "blackcat.version" not in copy.attributes
    assert set(attributes) < set(copy.attributes)
