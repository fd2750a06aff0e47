import json

from hypothesis import given
from hypothesis import strategies as st

from blackcat import Attribute, Message
from blackcat.domain.envelope import unwrapped

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


@given(st.text(min_size=1))
def test_raw_text_is_never_changed(body):
    received = message(body)
    assert unwrapped(received).body == body


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from([*SNS, *EVENT]), inner),
    )
)
def test_no_json_breaks_the_parser(content):
    received = message(json.dumps(content))
    assert unwrapped(received).original_body == received.body
