import base64
import json

from hypothesis import given, settings
from hypothesis import strategies as st

from blackcat import Attribute, Message
from blackcat.domain.envelope import unwrapped
from contracts.properties import (
    ALMOST_ENVELOPES_KEPT,
    EVENTS_UNWRAPPED,
    JSON_KEPT,
    NOTIFICATIONS_UNWRAPPED,
    TEXT_KEPT,
)

SNS = {
    "Type": "Notification",
    "MessageId": "5e2a",
    "TopicArn": "arn:aws:sns:us-east-1:000000000000:payment_started",
    "Message": '{"payment_id": "1"}',
    "Timestamp": "2026-01-01T00:00:00.000Z",
    "MessageAttributes": {
        "kind": {"Type": "String", "Value": "card"},
        "blob": {"Type": "Binary", "Value": "AAE="},
    },
}
EVENT = {
    "version": "0",
    "id": "6a7e",
    "detail-type": "PaymentStarted",
    "source": "payment",
    "account": "000000000000",
    "time": "2026-01-01T00:00:00Z",
    "region": "us-east-1",
    "resources": [],
    "detail": {"payment_id": "1", "nome": "José"},
}


def message(body):
    return Message(id="m", body=body, receipt="r", attributes={"own": Attribute("x")}, group_id="g")


def test_an_sns_notification_gives_its_message_and_attributes():
    body = json.dumps(SNS)
    opened = unwrapped(message(body))
    assert opened.body == '{"payment_id": "1"}'
    assert opened.attributes == {"kind": Attribute("card"), "blob": Attribute(b"\x00\x01", "Binary")}
    assert opened.envelope is not None
    assert opened.envelope.source.endswith(":payment_started")
    assert (opened.original_body, opened.original_attributes) == (body, {"own": Attribute("x")})


def test_an_eventbridge_event_gives_its_detail():
    opened = unwrapped(message(json.dumps(EVENT)))
    assert json.loads(opened.body) == EVENT["detail"]
    assert opened.attributes["detail-type"] == Attribute("PaymentStarted")


def test_receipt_group_and_lease_stay_those_of_the_delivery():
    received = message(json.dumps(SNS))
    opened = unwrapped(received)
    assert (opened.id, opened.receipt, opened.group_id) == ("m", "r", "g")
    assert opened.lease is received.lease


def test_only_the_outermost_envelope_is_taken_off():
    inner = json.dumps(SNS)
    assert unwrapped(message(json.dumps({**SNS, "Message": inner}))).body == inner


def test_what_only_looks_like_an_envelope_stays_as_it_is():
    for body in (
        '{"TopicArn": "mine"}',
        '{"detail-type": 1, "detail": {}}',
        json.dumps({**SNS, "Type": "SubscriptionConfirmation"}),
        json.dumps({**SNS, "Message": {"not": "text"}}),
        json.dumps({key: value for key, value in EVENT.items() if key != "detail"}),
        '["TopicArn", "detail-type"]',
        '"TopicArn" is not JSON',
        '{"TopicArn":' + "[" * 100_000,
    ):
        received = message(body)
        assert unwrapped(received) is received


def test_an_event_without_an_account_is_one_too():
    body = json.dumps({key: value for key, value in EVENT.items() if key != "account"})
    assert json.loads(unwrapped(message(body)).body) == EVENT["detail"]


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
_attributes = st.dictionaries(
    st.text(min_size=1),
    st.builds(Attribute, st.text(), st.sampled_from(["String", "String.Array", "Number", "Number.int"]))
    | st.builds(Attribute, st.binary(), st.sampled_from(["Binary", "Binary.png"])),
)


def _on_the_wire(attribute):
    value = attribute.value
    return {
        "Type": attribute.type,
        "Value": base64.b64encode(value).decode() if isinstance(value, bytes) else value,
    }


@settings(max_examples=NOTIFICATIONS_UNWRAPPED.cases)
@given(st.text(), _attributes, st.booleans())
def test_whatever_sns_wraps_comes_out_as_it_was(body, attributes, escaped):
    wired = {name: _on_the_wire(attribute) for name, attribute in attributes.items()}
    wrapped = message(json.dumps({**SNS, "Message": body, "MessageAttributes": wired}, ensure_ascii=escaped))
    opened = unwrapped(wrapped)
    assert (opened.body, opened.attributes) == (body, attributes)
    assert (opened.original_body, opened.envelope.id) == (wrapped.body, SNS["MessageId"])


@settings(max_examples=EVENTS_UNWRAPPED.cases)
@given(st.dictionaries(st.text(), _json, max_size=3), st.text(min_size=1), st.booleans())
def test_the_detail_of_whatever_event_comes_out_as_it_was(detail, type, escaped):
    event = {**EVENT, "detail": detail, "detail-type": type}
    opened = unwrapped(message(json.dumps(event, ensure_ascii=escaped)))
    assert json.loads(opened.body) == detail
    assert opened.attributes == {"detail-type": Attribute(type), "source": Attribute("payment")}


_NEEDED = [(SNS, name) for name in ("Type", "MessageId", "TopicArn", "Message", "Timestamp")]
_NEEDED += [(EVENT, name) for name in ("id", "detail-type", "source", "time", "region")]


@settings(max_examples=ALMOST_ENVELOPES_KEPT.cases)
@given(st.sampled_from(_NEEDED), st.none() | _json.filter(lambda value: not isinstance(value, str)))
def test_what_is_almost_an_envelope_stays_as_it_is(needed, value):
    envelope, name = needed
    lacking = {key: kept for key, kept in envelope.items() if key != name}
    for almost in (lacking, {**envelope, name: value}):
        received = message(json.dumps(almost))
        assert unwrapped(received) is received


@settings(max_examples=TEXT_KEPT.cases)
@given(st.text(min_size=1))
def test_raw_text_is_never_changed(body):
    received = message(body)
    assert unwrapped(received).body == body


@settings(max_examples=JSON_KEPT.cases)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from([*SNS, *EVENT]), inner),
        max_leaves=20,
    )
)
def test_no_json_breaks_the_parser(content):
    received = message(json.dumps(content))
    assert unwrapped(received).original_body == received.body
