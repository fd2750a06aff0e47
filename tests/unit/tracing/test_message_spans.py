"""A consumer's messages: a span for each attempt, in the trace of who sent it."""

import json
import logging
from datetime import timedelta

import pytest

from blackcat import Attribute, Message, Reject, Retry, Service, ServiceType
from blackcat.application.consumer.dead_letters import dead_letter_copy
from blackcat.application.tracing import tracing
from blackcat.domain.envelope import unwrapped
from blackcat.domain.outcome import HANDLED, Deferred, Rejected
from blackcat.entrypoints.message_handler import message_handler
from blackcat.infra.logs.logs import configure_logs
from blackcat.testing import InMemoryBroker, drained

TRACE = "5759e988bd862e3fe1be46a994272793"
PARENT = "53995c3f42cd8ad8"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"
HEADER = f"Root=1-5759e988-bd862e3fe1be46a994272793;Parent={PARENT};Sampled=1"
ORDERS = {"name": "orders", "type": ServiceType.CONSUMER, "queue_name": "orders_cmd"}


def accepting(body: dict) -> None: ...


def handler(handle, **declared):
    return message_handler(Service(**ORDERS, entrypoint=handle, **declared), None)


def sent(body="{}", **fields):
    return Message(id="m-1", body=body, attributes={"traceparent": Attribute(TRACEPARENT)}, **fields)


def notification(**attributes):
    """As SNS writes it into a queue, without raw delivery."""
    return json.dumps(
        {
            "Type": "Notification",
            "MessageId": "1",
            "TopicArn": "arn:aws:sns:eu-west-1:123456789012:placed",
            "Message": "{}",
            "Timestamp": "2026-01-01T00:00:00.000Z",
            "MessageAttributes": {
                name: {"Type": "String", "Value": value} for name, value in attributes.items()
            },
        }
    )


def event():
    """As EventBridge writes it into a queue; the trace header is the message's own."""
    return json.dumps(
        {
            "version": "0",
            "id": "6a7e",
            "detail-type": "OrderPlaced",
            "source": "shop",
            "account": "123456789012",
            "time": "2026-01-01T00:00:00Z",
            "region": "eu-west-1",
            "resources": [],
            "detail": {},
        }
    )


@pytest.mark.parametrize(
    "message",
    [
        sent(),
        Message(id="m-1", body="{}", trace_header=HEADER),  # ten attributes were taken
        Message(id="m-1", body=notification(traceparent=TRACEPARENT)),
        Message(id="m-1", body=notification(), trace_header=HEADER),  # as SNS passes it on
        Message(id="m-1", body=event(), trace_header=HEADER),
    ],
    ids=["attribute", "AWSTraceHeader", "SNS", "SNS, trace header", "EventBridge"],
)
def test_the_span_of_the_sender_is_the_parent(spans, message):
    seen = []

    def handle(body: dict) -> None:
        seen.append(tracing.trace_id())

    assert handler(handle)(unwrapped(message)) == HANDLED
    [span] = spans
    assert (span.trace_id, span.parent_id, span.kind) == (TRACE, PARENT, "consumer")
    assert span.name == "process orders_cmd"
    assert span.attributes == {
        "messaging.system": "aws_sqs",
        "messaging.destination.name": "orders_cmd",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.message.id": "m-1",
        "blackcat.attempt": 1,
        "blackcat.outcome": "handled",
    }
    assert seen == [TRACE]


def test_a_message_that_tells_nothing_begins_a_trace(spans):
    handler(accepting)(Message(id="m", body="{}"))
    [span] = spans
    assert span.parent_id == ""


def failing(body: dict) -> None:
    raise KeyError("customer")


def rejecting(body: dict) -> None:
    raise Reject("no such customer, token=abc12345")


def retrying(body: dict) -> None:
    raise Retry("not yet", after=timedelta(seconds=1))


@pytest.mark.parametrize(
    ("handle", "body", "outcome", "error"),
    [
        (failing, "{}", "retried", "KeyError"),
        (retrying, "{}", "retried", "Retry"),
        (rejecting, "{}", "rejected", "Reject"),
        (failing, "no JSON", "rejected", "DecodingError"),
    ],
)
def test_an_attempt_that_did_not_succeed_is_a_failed_span(spans, handle, body, outcome, error):
    handler(handle)(sent(body, receive_count=3))
    [span] = spans
    assert (span.attributes["blackcat.outcome"], span.error) == (outcome, error)
    assert span.attributes["blackcat.attempt"] == 3


def test_a_deferred_message_did_not_fail(spans):
    def defer(message, call_next):
        return Deferred("a duplicate is being handled", timedelta(seconds=1))

    handler(failing, middleware=[defer])(sent())
    [span] = spans
    assert (span.attributes["blackcat.outcome"], span.error) == ("deferred", "")


def test_a_middleware_that_raises_is_seen_too(spans):
    def broken(message, call_next):
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError):
        handler(failing, middleware=[broken])(sent())
    [span] = spans
    assert span.error == "RuntimeError"


def test_the_dead_letter_tells_the_trace_whoever_began_it(spans):
    for message in (sent(), Message(id="m", body="{}")):
        outcome = handler(rejecting)(message)
        copy = dead_letter_copy(message, outcome, service="orders", version="", redact=str)
        assert copy.attributes["blackcat.trace_id"] == Attribute(list(spans)[-1].trace_id)
    assert outcome == Rejected(outcome.reason, outcome.error)  # with tracing or without: the same outcome


def test_without_tracing_the_dead_letter_tells_what_the_sender_told():
    outcome = handler(rejecting)(sent())
    copy = dead_letter_copy(sent(), outcome, service="orders", version="", redact=str)
    assert copy.attributes["blackcat.trace_id"] == Attribute(TRACE)
    assert copy.attributes["traceparent"] == Attribute(TRACEPARENT)  # a redrive goes on in the same trace


def test_log_lines_within_a_span_tell_it_and_those_after_it_do_not(spans, capsys):
    def handle(body: dict) -> None:
        logging.getLogger("shop").info("within")

    configure_logs(format="json")
    handler(handle)(sent())
    logging.getLogger("shop").info("after")
    logging.getLogger().handlers = []
    lines = {line["event"]: line for line in map(json.loads, capsys.readouterr().out.splitlines())}
    [span] = spans
    for event in ("within", "message.handled"):
        assert (lines[event]["trace_id"], lines[event]["span_id"]) == (TRACE, span.span_id)
    assert lines["message.handled"]["message_id"] == "m-1"
    assert {"trace_id", "span_id"}.isdisjoint(lines["after"])


def test_queues_in_memory_keep_what_a_trace_needs(spans):
    service = Service(**ORDERS, entrypoint=accepting)
    broker = InMemoryBroker()
    broker.create(service.queue).send({}, attributes={"traceparent": TRACEPARENT})
    drained("orders_cmd", broker=broker, handle=message_handler(service, None), service="orders")
    [span] = spans.named("process orders_cmd")
    assert span.trace_id == TRACE


def test_without_tracing_there_is_no_layer_for_it():
    assert tracing.enabled is False
    handle = handler(accepting)
    assert "MessageSpans" not in repr(handle)
