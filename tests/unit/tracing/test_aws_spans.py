"""Calls to AWS: their spans, and the trace that goes along with what they send."""

import json

import pytest

from blackcat import Message
from blackcat.adapters_aws import AwsOptions, EventBridgeBus, Provisioner, SnsTopic, SqsBroker
from blackcat.adapters_aws.clients import client
from blackcat.adapters_aws.spans import call_span, record_receive, told_by, with_trace
from blackcat.application.tracing import tracing
from blackcat.domain.message import Attribute
from blackcat.domain.outgoing import MAX_ATTRIBUTES, MAX_MESSAGE_BYTES, MAX_PUBLISH_BYTES, size_of
from blackcat.errors import QueueNotFound
from blackcat.resources import EventBusResource, QueueResource, TopicResource

OWN = {"DataType": "String", "StringValue": "own"}
STATE = {"traceparent": "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01", "tracestate": "other=1"}


def text(parameters, name):
    return parameters["MessageAttributes"][name]["StringValue"]


def size(parameters, body):
    attributes = {
        name: Attribute(one.get("StringValue") or one["BinaryValue"], one["DataType"])
        for name, one in parameters.get("MessageAttributes", {}).items()
    }
    return size_of(parameters[body], attributes)


def test_a_message_to_sqs_carries_the_trace_twice(spans):
    given = {"QueueUrl": "q", "MessageBody": "{}", "MessageAttributes": {"kind": OWN}}
    with tracing.span("any", parent=STATE):
        carrier = tracing.carrier()
        sent = with_trace("SendMessage", given)
    assert (text(sent, "traceparent"), text(sent, "tracestate")) == (carrier["traceparent"], "other=1")
    assert sent["MessageAttributes"]["kind"] == OWN
    assert sent["MessageSystemAttributes"] == {
        "AWSTraceHeader": {"DataType": "String", "StringValue": carrier["X-Amzn-Trace-Id"]}
    }
    assert given["MessageAttributes"] == {"kind": OWN}


@pytest.mark.parametrize(
    ("own", "added"),
    [(8, {"traceparent", "tracestate"}), (9, {"traceparent"}), (MAX_ATTRIBUTES, set())],
)
def test_when_attributes_are_taken_the_header_of_aws_is_left(spans, own, added):
    names = {f"own{number}": OWN for number in range(own)}
    with tracing.span("any", parent=STATE):
        sent = with_trace("SendMessage", {"MessageBody": "{}", "MessageAttributes": names})
    assert set(sent["MessageAttributes"]) == {*names, *added}
    assert "AWSTraceHeader" in sent["MessageSystemAttributes"]


@pytest.mark.parametrize(("operation", "body", "most"), [
    ("SendMessage", "MessageBody", MAX_MESSAGE_BYTES),
    ("Publish", "Message", MAX_PUBLISH_BYTES),
])  # fmt: skip
@pytest.mark.parametrize("left", range(60, 100, 3))
def test_no_message_grows_beyond_its_limit(spans, operation, body, most, left):
    binary = {"data": {"DataType": "Binary", "BinaryValue": b"\xff" * 100}}
    given = {body: "é", "MessageAttributes": binary}
    given[body] += "x" * (most - left - size(given, body))
    with tracing.span("any", parent=STATE):
        sent = with_trace(operation, given)
    assert size(sent, body) <= most
    fits = left >= len("traceparent") + len("String") + len(STATE["traceparent"])
    assert ("traceparent" in sent["MessageAttributes"]) == fits


def test_a_full_batch_does_not_grow_beyond_its_limit_either(spans):
    entries = [{"Id": str(index), "MessageBody": "x" * (MAX_MESSAGE_BYTES // 10 - 20)} for index in range(10)]
    with tracing.span("any"):
        sent = with_trace("SendMessageBatch", {"Entries": entries})["Entries"]
    assert sum(size(entry, "MessageBody") for entry in sent) <= MAX_MESSAGE_BYTES
    assert all("AWSTraceHeader" in entry["MessageSystemAttributes"] for entry in sent)


def test_a_traceparent_of_the_senders_own_stays(spans):
    own = {"traceparent": {"DataType": "String", "StringValue": "00-own"}}
    with tracing.span("any", parent=STATE):
        sent = with_trace("Publish", {"Message": "{}", "MessageAttributes": own})
    assert sent["MessageAttributes"] == own
    assert "MessageSystemAttributes" not in sent


def test_each_entry_of_a_batch_carries_it(spans):
    entries = [{"Id": "0", "Message": "a"}, {"Id": "1", "Message": "b", "MessageAttributes": {"kind": OWN}}]
    with tracing.span("any"):
        expected = tracing.carrier()["traceparent"]
        sent = with_trace("PublishBatch", {"TopicArn": "t", "PublishBatchRequestEntries": entries})
    assert sent["TopicArn"] == "t"
    assert [text(one, "traceparent") for one in sent["PublishBatchRequestEntries"]] == [expected] * 2


def test_an_event_carries_it_in_its_trace_header_and_not_in_its_detail(spans):
    entry = {"Source": "shop", "DetailType": "Placed", "Detail": "{}"}
    with tracing.span("any"):
        header = tracing.carrier()["X-Amzn-Trace-Id"]
        sent = with_trace("PutEvents", {"Entries": [entry]})
    assert sent["Entries"] == [{**entry, "TraceHeader": header}]


def test_other_calls_carry_nothing(spans):
    parameters = {"TableName": "payments"}
    with tracing.span("any"):
        assert with_trace("PutItem", parameters) is parameters
    assert with_trace("SendMessage", {"MessageBody": "{}"}) == {"MessageBody": "{}"}  # outside of any span


def test_spans_say_what_was_called_and_where_it_went(spans):
    with call_span("dynamodb", "TransactWriteItems", "payments, orders", {}):
        pass
    with call_span("sqs", "SendMessageBatch", "orders", {"Entries": [1, 2]}) as span:
        span.set(told_by({"ResponseMetadata": {"RequestId": "r-1"}}))
    with call_span("events", "PutEvents", "default", {"Entries": [1]}):
        pass
    with call_span("unheard", "Of", "it", {}):
        pass
    transaction, batch, events, other = spans
    assert (transaction.name, transaction.kind) == ("DynamoDB.TransactWriteItems", "client")
    assert transaction.attributes == {
        "rpc.system": "aws-api",
        "rpc.service": "DynamoDB",
        "rpc.method": "TransactWriteItems",
        "db.system.name": "aws.dynamodb",
        "db.operation.name": "TransactWriteItems",
        "aws.dynamodb.table_names": ["payments", "orders"],
    }
    assert (batch.name, batch.kind) == ("send orders", "producer")
    assert batch.attributes["messaging.batch.message_count"] == 2
    assert batch.attributes["aws.request_id"] == "r-1"
    assert (events.name, events.attributes["messaging.system"]) == ("put default", "aws.eventbridge")
    assert other.name == "unheard.Of"


def test_a_poll_that_brought_messages_is_linked_to_their_senders(spans):
    sent = [
        Message(id="1", body="{}", attributes={"traceparent": Attribute(STATE["traceparent"])}),
        Message(id="2", body="{}"),
    ]
    record_receive("orders", sent, began=1_000)
    [span] = spans
    assert (span.name, span.kind, span.began) == ("receive orders", "client", 1_000)
    assert span.links == ("53995c3f42cd8ad8",)
    assert span.attributes["messaging.batch.message_count"] == 2


@pytest.fixture
def queue(emulator, aws_options, unique):
    Provisioner(aws_options).create(QueueResource(unique))
    return SqsBroker(aws_options).queue(unique)


@pytest.mark.parametrize("transport", ["boto3", "lean"])
def test_a_message_goes_to_sqs_and_back_with_its_trace(spans, queue, aws_options, unique, transport):
    options = AwsOptions(
        region=aws_options.region, endpoint_url=aws_options.endpoint_url, sqs_transport=transport
    )
    queue = SqsBroker(options).queue(unique)
    full = {f"own{number}": "x" for number in range(MAX_ATTRIBUTES)}
    with tracing.span("handler"):
        queue.send({"id": 1})
        queue.send({"id": 2}, attributes=full)
    received = {json.loads(message.body)["id"]: message for message in queue.receive()}
    queue.receive()  # idle
    one, two = spans.named(f"send {unique}")
    assert received[1].attributes["traceparent"].value.split("-")[2] == one.span_id
    assert received[2].attributes == {name: Attribute("x") for name in full}
    assert f"Parent={two.span_id};" in received[2].trace_header
    assert one.attributes["messaging.message.id"] == received[1].id
    assert [set(span.links) for span in spans.named(f"receive {unique}")] == [{one.span_id, two.span_id}]


def test_outside_of_a_span_a_call_leaves_none(spans, queue):
    queue.send({"id": 1})
    [message] = queue.receive()
    queue.delete([message.receipt])
    queue.receive()
    assert message.attributes == {}
    assert message.trace_header is None
    assert [span.name.split()[0] for span in spans] == ["receive"]


def test_a_call_that_aws_refuses_is_a_failed_span(spans, emulator, aws_options, unique):
    with tracing.span("handler"), pytest.raises(QueueNotFound):
        SqsBroker(aws_options).queue(unique).send({"id": 1})
    [span] = spans.named("SQS.GetQueueUrl")
    assert "NonExistentQueue" in span.error


def test_sns_gets_the_header_that_it_passes_on(spans, aws_options, unique):
    Provisioner(aws_options).create(TopicResource(unique))
    seen = []
    client("sns", aws_options).meta.events.register(
        "before-send", lambda request, **_: seen.append(request.headers.get("X-Amzn-Trace-Id", b"").decode())
    )
    topic = SnsTopic(unique, aws_options)
    with tracing.span("handler"):
        topic.publish({"id": 1}, attributes={f"own{number}": "x" for number in range(MAX_ATTRIBUTES)})
    topic.publish({"id": 2})
    [published] = spans.named(f"publish {unique}")
    assert f"Parent={published.span_id};" in seen[0]
    assert seen[1:] == [""]


def test_eventbridge_takes_an_event_with_its_trace_header(spans, aws_options, unique):
    Provisioner(aws_options).create(EventBusResource(unique))
    with tracing.span("handler"):
        EventBridgeBus(unique, aws_options).put({"id": 1}, source="shop", detail_type="Placed")
    assert spans.tree() == ["handler", "  EventBridge.DescribeEventBus", f"  put {unique}"]
