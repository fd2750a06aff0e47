"""The builders, held to what Lambda documents and to what Blackcat itself reads."""

import base64
import json
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest

from blackcat.adapters_aws.messages import received
from blackcat.domain.envelope import unwrapped
from blackcat.domain.message import Message
from blackcat.testing.events import (
    api_gateway_v1_event,
    api_gateway_v2_event,
    eventbridge_event,
    sns_event,
    sns_notification,
    sqs_event,
    sqs_record,
)


@dataclass
class Order:
    id: int
    total: Decimal


def as_message(record):
    return Message(id=record["messageId"], body=record["body"])


def test_an_sqs_event_holds_its_records_as_lambda_names_them():
    event = sqs_event(sqs_record(Order(1, Decimal("9.90")), queue="orders"), sqs_record("text"))
    first, second = event["Records"]
    assert json.loads(first["body"]) == {"id": 1, "total": "9.90"}
    assert second["body"] == "text"
    assert second["md5OfBody"] == "1cb251ec0d568de6a929b520c4aed8d1"
    assert first["eventSource"] == "aws:sqs"
    assert first["eventSourceARN"].endswith(":orders")
    assert first["attributes"]["ApproximateReceiveCount"] == "1"
    assert first["attributes"]["SentTimestamp"] == "1893456000000"
    assert first["messageId"] != second["messageId"]
    json.dumps(event)


def test_attributes_of_all_types():
    record = sqs_record({}, attributes={"kind": "card", "count": 2, "raw": b"\x00"})
    assert record["messageAttributes"]["kind"]["stringValue"] == "card"
    assert record["messageAttributes"]["count"]["dataType"] == "Number"
    assert base64.b64decode(record["messageAttributes"]["raw"]["binaryValue"]) == b"\x00"


def test_a_record_of_a_fifo_queue_tells_its_order():
    attributes = sqs_record({}, queue="orders.fifo", group_id="a", receive_count=3)["attributes"]
    assert attributes["MessageGroupId"] == "a"
    assert len(attributes["MessageDeduplicationId"]) == 64
    assert attributes["SequenceNumber"].isdigit()
    wire = {"MessageId": "1", "Body": "{}", "ReceiptHandle": "r", "Attributes": attributes}
    assert (received(wire).group_id, received(wire).receive_count) == ("a", 3)


@pytest.mark.parametrize("options", [{"queue": "orders.fifo"}, {"queue": "orders", "group_id": "a"}])
def test_groups_are_for_fifo_queues(options):
    with pytest.raises(ValueError, match="group_id"):
        sqs_record({}, **options)


def test_a_notification_over_a_queue_is_unwrapped_to_what_was_published():
    published = sns_notification({"id": 1}, topic="placed", attributes={"kind": "card", "raw": b"\x01"})
    message = unwrapped(as_message(sqs_record(published)))
    assert json.loads(message.body) == {"id": 1}
    assert message.attributes["kind"].value == "card"
    assert message.attributes["raw"].value == b"\x01"
    assert message.envelope.source.endswith(":placed")


def test_a_topic_that_invokes_lambda_itself():
    (record,) = sns_event(sns_notification({"id": 1}, subject="News"))["Records"]
    assert record["EventSource"] == "aws:sns"
    assert record["Sns"]["Message"] == '{"id":1}'
    assert record["Sns"]["Subject"] == "News"
    assert {"SigningCertUrl", "UnsubscribeUrl"} < record["Sns"].keys()
    assert record["Sns"]["Timestamp"] == "2030-01-01T00:00:00.000Z"
    assert sns_event(sns_notification("x"))["Records"][0]["Sns"]["Subject"] is None


def test_an_event_over_a_queue_is_unwrapped_to_its_detail():
    at = datetime(2031, 2, 3, 4, 5, 6, tzinfo=timezone.utc)
    event = eventbridge_event(Order(1, Decimal(2)), source="shop", detail_type="Placed", time=at)
    assert event["time"] == "2031-02-03T04:05:06Z"
    message = unwrapped(as_message(sqs_record(event)))
    assert json.loads(message.body) == {"id": 1, "total": "2"}
    assert message.attributes["detail-type"].value == "Placed"


def test_a_request_in_format_1():
    event = api_gateway_v1_event(
        "POST", "/orders/1", body={"id": 1}, headers={"X-Trace": "t"}, query={"tag": ["a", "b"], "page": "2"}
    )
    assert (event["httpMethod"], event["path"]) == ("POST", "/orders/1")
    assert json.loads(event["body"]) == {"id": 1}
    assert event["headers"]["Content-Type"] == "application/json"
    assert event["multiValueHeaders"]["X-Trace"] == ["t"]
    assert event["queryStringParameters"] == {"tag": "b", "page": "2"}
    assert event["multiValueQueryStringParameters"] == {"tag": ["a", "b"], "page": ["2"]}
    assert event["requestContext"]["path"] == "/prod/orders/1"
    json.dumps(event)


def test_what_a_request_in_format_1_lacks_is_null():
    event = api_gateway_v1_event("GET", "/")
    assert event["body"] is None
    assert event["queryStringParameters"] is None
    assert "Content-Type" not in event["headers"]


def test_a_request_in_format_2():
    event = api_gateway_v2_event(
        "PUT",
        "/orders",
        body=b"\xff",
        headers={"X-Trace": "t"},
        query={"q": ["a b", "c"]},
        cookies={"s": "1"},
    )
    assert event["requestContext"]["http"]["method"] == "PUT"
    assert event["rawPath"] == "/orders"
    assert event["rawQueryString"] == "q=a+b&q=c"
    assert event["queryStringParameters"] == {"q": "a b,c"}
    assert event["headers"]["x-trace"] == "t"
    assert event["cookies"] == ["s=1"]
    assert event["isBase64Encoded"]
    assert base64.b64decode(event["body"]) == b"\xff"


def test_what_a_request_in_format_2_lacks_is_left_out():
    event = api_gateway_v2_event("GET", "/")
    assert not {"body", "cookies", "queryStringParameters"} & event.keys()
    assert event["rawQueryString"] == ""


def test_a_content_type_of_ones_own_is_kept():
    event = api_gateway_v2_event(
        "POST", "/", body={"a": 1}, headers={"content-type": "application/json; v=2"}
    )
    assert event["headers"]["content-type"] == "application/json; v=2"


HERE = timezone(timedelta(hours=2))


def test_times_are_told_in_utc():
    at = datetime(2031, 2, 3, 1, 5, 6, 789_000, tzinfo=HERE)
    assert eventbridge_event({}, time=at)["time"] == "2031-02-02T23:05:06Z"
    assert sns_notification("x", published_at=at)["Timestamp"] == "2031-02-02T23:05:06.789Z"


@pytest.mark.parametrize(
    "build",
    [
        lambda at: eventbridge_event({}, time=at),
        lambda at: sns_notification("x", published_at=at),
        lambda at: sqs_record("x", sent_at=at),
        lambda at: api_gateway_v1_event("GET", "/", at=at),
        lambda at: api_gateway_v2_event("GET", "/", at=at),
    ],
)
def test_a_time_without_time_zone_is_refused(build):
    with pytest.raises(ValueError, match="time zone"):
        build(datetime(2031, 2, 3))  # noqa: DTZ001 - it is what the test is about


def test_the_detail_of_an_event_is_an_object():
    assert eventbridge_event('{"id": 1}')["detail"] == {"id": 1}
    for detail in ("[1]", [1], "text", None, 5):
        with pytest.raises(ValueError):
            eventbridge_event(detail)


def test_a_query_of_numbers_and_of_nothing():
    query = {"page": 2, "tag": [1, "b"], "none": []}
    first = api_gateway_v1_event("GET", "/", query=query)
    assert first["queryStringParameters"] == {"page": "2", "tag": "b"}
    assert first["multiValueQueryStringParameters"] == {"page": ["2"], "tag": ["1", "b"]}
    second = api_gateway_v2_event("GET", "/", query=query)
    assert second["rawQueryString"] == "page=2&tag=1&tag=b"
    assert second["queryStringParameters"] == {"page": "2", "tag": "1,b"}
    assert "queryStringParameters" not in api_gateway_v2_event("GET", "/", query={"none": []})
