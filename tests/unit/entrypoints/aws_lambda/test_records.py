import pytest

from blackcat.domain.message import Attribute
from blackcat.entrypoints.aws_lambda.records import eventbridge_message, sns_messages, sqs_records
from blackcat.errors import InvalidEvent
from blackcat.testing.events import eventbridge_event, sns_notification, sqs_event, sqs_record
from cases.lambda_events import golden, with_one_missing


def test_a_record_is_the_message_that_the_consumer_would_receive():
    first, second = sqs_records(golden("sqs"))
    assert (first.id, first.queue, first.group) == ("059f36b4-87a3-44ab-83d2-661975830a7d", "my-queue", None)
    assert first.message.body == '{"order_id": 1}'
    assert first.message.attributes == {
        "myAttribute": Attribute("myValue"),
        "myBinary": Attribute(b"\x00\x01\xfe\xff", "Binary"),
    }
    assert first.message.receive_count == 1
    assert first.message.sent_at.year == 2018
    assert first.message.receipt.startswith("AQEB")
    assert second.message.attributes == {}


def test_a_record_of_a_fifo_queue_tells_its_group():
    records = sqs_records(golden("sqs_fifo"))
    assert [record.group for record in records] == ["1", "2", "1"]
    assert records[0].message.deduplication_id == "1"
    assert records[0].message.sequence_number == "18849496460467696129"


def test_the_group_of_a_fair_queue_is_no_order():
    record = sqs_record({})
    record["attributes"]["MessageGroupId"] = "tenant"
    [read] = sqs_records(sqs_event(record))
    assert read.group is None
    assert read.message.group_id == "tenant"


@pytest.mark.parametrize(
    "wrapped",
    [sns_notification({"order_id": 1}), eventbridge_event({"order_id": 1})],
    ids=["sns", "eventbridge"],
)
def test_envelopes_are_taken_off(wrapped):
    [record] = sqs_records(sqs_event(sqs_record(wrapped)))
    assert record.message.body in ('{"order_id":1}', '{"order_id": 1}')
    assert record.message.envelope is not None


@pytest.mark.parametrize("name", ["sqs", "sqs_fifo"])
def test_a_record_that_lacks_a_field_is_one_with_a_problem_and_the_others_are_read(name):
    for path, event in with_one_missing(name):
        if path == ("Records",) or path[-1] == "messageId":
            continue
        records = sqs_records(event)
        for number, record in enumerate(records):
            if number != path[1]:
                assert record.message is not None
            elif record.message is None:
                assert f"'{path[-1]}'" in str(record.problem) or path[2] == "attributes"


@pytest.mark.parametrize("field", ["body", "messageId"])
def test_what_a_record_cannot_do_without_is_named(field):
    event = golden("sqs")
    del event["Records"][1][field]
    if field == "messageId":  # it could not be reported, and would be deleted
        with pytest.raises(InvalidEvent, match="record 2 of the SQS event has no 'messageId'"):
            sqs_records(event)
    else:
        assert "no 'body'" in str(sqs_records(event)[1].problem)


@pytest.mark.parametrize(
    "broken",
    [
        {"attributes": "text"},
        {"attributes": {"ApproximateReceiveCount": "many"}},
        {"attributes": {"SentTimestamp": "now"}},
        {"attributes": {"SentTimestamp": "99999999999999999999"}},
        {"attributes": {"SentTimestamp": 1e300}},
        {"attributes": {"SentTimestamp": float("inf")}},
        {"messageAttributes": []},
        {"messageAttributes": ["a"]},
        {"messageAttributes": {"a": {}}},
        {"messageAttributes": {"a": {"dataType": "Binary", "binaryValue": "%%%"}}},
        {"messageAttributes": {"a": {"dataType": "String"}}},
        {"messageAttributes": {"a": "text"}},
        {"body": {"an": "object"}},
        {"body": None},
    ],
)
def test_a_record_that_makes_no_sense_fails_alone(broken):
    bad, good = sqs_records(sqs_event(sqs_record("bad") | broken, sqs_record("good")))
    if bad.message is not None:  # an empty list says as little as nothing
        assert broken == {"messageAttributes": []}
    else:
        assert isinstance(bad.problem, InvalidEvent)
    assert good.message.body == "good"


def test_a_fifo_record_without_a_group_stands_for_any():
    event = golden("sqs_fifo")
    del event["Records"][1]["attributes"]["MessageGroupId"]
    record = sqs_records(event)[1]
    assert record.group == ""
    assert "MessageGroupId" in str(record.problem)


@pytest.mark.parametrize("record", ["text", None, 7])
def test_a_record_that_is_no_object_stops_the_batch(record):
    with pytest.raises(InvalidEvent, match="record 1 of the SQS event is no object"):
        sqs_records({"Records": [record]})


def test_a_notification_is_read_as_over_a_queue():
    [message] = sns_messages(golden("sns"))
    assert message.id == "95df01b4-ee98-5cb9-9903-4c221d41eb5e"
    assert message.body == '{"order_id": 1}'
    assert message.attributes["TestBinary"] == Attribute(b"TestBinary", "Binary")
    assert message.envelope.source == "arn:aws:sns:us-east-1:123456789012:sns-lambda"
    assert message.sent_at.year == 2019


@pytest.mark.parametrize("field", ["MessageId", "TopicArn", "Message", "Timestamp"])
def test_a_notification_that_lacks_a_field_is_refused_with_its_name(field):
    event = golden("sns")
    del event["Records"][0]["Sns"][field]
    with pytest.raises(InvalidEvent, match=f"no '{field}'"):
        sns_messages(event)


def test_an_event_is_read_as_over_a_queue():
    message = eventbridge_message(golden("eventbridge"))
    assert message.body == '{"order_id": 1}'
    assert message.attributes["detail-type"] == Attribute("Order Placed")
    assert message.id == message.envelope.id


@pytest.mark.parametrize("field", ["id", "detail", "detail-type", "source", "time", "version", "region"])
def test_an_event_that_lacks_a_field_is_refused_with_its_name(field):
    event = golden("eventbridge")
    del event[field]
    with pytest.raises(InvalidEvent, match=f"no '{field}'"):
        eventbridge_message(event)
