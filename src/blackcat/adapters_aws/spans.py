"""Spans of calls to AWS, and the trace that goes along with what is sent.

https://opentelemetry.io/docs/specs/semconv/cloud-providers/aws-sdk/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from blackcat.application.tracing import TRACEPARENT, TRACESTATE, Carrier, Span, Value, carrier_of, tracing
from blackcat.application.xray import TRACE_HEADER
from blackcat.domain.envelope import unwrapped
from blackcat.domain.message import Message
from blackcat.domain.outgoing import MAX_ATTRIBUTES, MAX_MESSAGE_BYTES, MAX_PUBLISH_BYTES

Parameters = dict[str, Any]

# As AWS names them in its API models.
_SERVICES = {
    "dynamodb": "DynamoDB",
    "events": "EventBridge",
    "secretsmanager": "Secrets Manager",
    "sns": "SNS",
    "sqs": "SQS",
    "ssm": "SSM",
    "sts": "STS",
}
# Its span, once messages came, is made by record_receive.
_RECEIVE = "ReceiveMessage"
_SQS, _SNS, _EVENTBRIDGE = "aws_sqs", "aws.sns", "aws.eventbridge"


@dataclass(frozen=True)
class _Sending:
    """A call that sends: what a message is called there, and under which name a batch stands."""

    system: str
    verb: str
    body: str
    most_bytes: int = 0
    batch: str = ""


_SENDING = {
    "SendMessage": _Sending(_SQS, "send", "MessageBody", MAX_MESSAGE_BYTES),
    "SendMessageBatch": _Sending(_SQS, "send", "MessageBody", MAX_MESSAGE_BYTES, "Entries"),
    "Publish": _Sending(_SNS, "publish", "Message", MAX_PUBLISH_BYTES),
    "PublishBatch": _Sending(_SNS, "publish", "Message", MAX_PUBLISH_BYTES, "PublishBatchRequestEntries"),
    "PutEvents": _Sending(_EVENTBRIDGE, "put", "Detail", batch="Entries"),
}


def is_traced(operation: str) -> bool:
    """Whether the call gets a span: within a span only.

    The polls, heartbeats and deletes of a consumer belong to no message's trace, and leave none.
    """
    return operation != _RECEIVE and bool(tracing.trace_id())


def call_span(
    service: str, operation: str, resource: str, parameters: Mapping[str, Any]
) -> AbstractContextManager[Span]:
    """The span of one call; one that sends is named for where it sends to."""
    called = _SERVICES.get(service, service)
    attributes: dict[str, Value] = {
        "rpc.system": "aws-api",
        "rpc.service": called,
        "rpc.method": operation,
    }
    if sending := _SENDING.get(operation):
        attributes |= _messaging(sending.system, sending.verb, "send", resource)
        if sending.batch:
            attributes["messaging.batch.message_count"] = len(parameters[sending.batch])
        return tracing.span(f"{sending.verb} {resource}", kind="producer", attributes=attributes)
    if service == "dynamodb":
        attributes |= {
            "db.system.name": "aws.dynamodb",
            "db.operation.name": operation,
            "aws.dynamodb.table_names": resource.split(", "),
        }
    return tracing.span(f"{called}.{operation}", kind="client", attributes=attributes)


def told_by(response: Mapping[str, Any]) -> dict[str, Value]:
    """What an answer adds to the span of its call."""
    told: dict[str, Value] = {"aws.request_id": response["ResponseMetadata"]["RequestId"]}
    if "MessageId" in response:
        told["messaging.message.id"] = response["MessageId"]
    return told


def with_trace(operation: str, parameters: Parameters) -> Parameters:
    """The parameters of a call, with the current span for whoever receives what it sends.

    It goes as message attributes where there is room for them, and in AWS's own trace header, which takes
    none: AWSTraceHeader of SQS, TraceHeader of EventBridge. A sender's own ``traceparent`` stays.
    """
    sending = _SENDING.get(operation)
    carrier = tracing.carrier()
    if sending is None or not carrier:
        return parameters
    if not sending.batch:
        room = sending.most_bytes - _size(parameters, sending)
        return _traced(parameters, sending, carrier, room)
    entries: Sequence[Parameters] = parameters[sending.batch]
    room = sending.most_bytes - sum(_size(entry, sending) for entry in entries)
    return {
        **parameters,
        sending.batch: [_traced(entry, sending, carrier, room // len(entries)) for entry in entries],
    }


def record_receive(queue: str, messages: Sequence[Message], *, began: int) -> None:
    """A span for an answer of ReceiveMessage, linked to those in which its messages were sent."""
    links = [carrier for message in messages if (carrier := carrier_of(unwrapped(message)))]
    attributes = {
        **_messaging(_SQS, "receive", "receive", queue),
        "messaging.batch.message_count": len(messages),
    }
    with tracing.span(f"receive {queue}", kind="client", links=links, attributes=attributes, began=began):
        pass


def add_trace_header(params: Mapping[str, Any], **_: Any) -> None:
    """Into a request of botocore's: SNS passes it on to the queues that subscribed.

    https://docs.aws.amazon.com/sns/latest/dg/sns-active-tracing.html
    """
    if tracing.enabled and (header := tracing.carrier().get(TRACE_HEADER)):
        params["headers"][TRACE_HEADER] = header


def _messaging(system: str, name: str, kind: str, destination: str) -> dict[str, Value]:
    return {
        "messaging.system": system,
        "messaging.operation.name": name,
        "messaging.operation.type": kind,
        "messaging.destination.name": destination,
    }


def _traced(entry: Parameters, sending: _Sending, carrier: Carrier, room: int) -> Parameters:
    if sending.system == _EVENTBRIDGE:
        return {**entry, "TraceHeader": carrier[TRACE_HEADER]}
    traced = _with_attributes(entry, carrier, room)
    if sending.system == _SQS:
        header = {"DataType": "String", "StringValue": carrier[TRACE_HEADER]}
        traced["MessageSystemAttributes"] = {"AWSTraceHeader": header}
    return traced


def _with_attributes(entry: Parameters, carrier: Carrier, room: int) -> Parameters:
    present = entry.get("MessageAttributes", {})
    if TRACEPARENT in present:
        return dict(entry)
    added: Parameters = {}
    for name in (TRACEPARENT, TRACESTATE):
        value = carrier.get(name, "")
        room -= len(name) + len(value) + len("String")
        if not value or room < 0 or len(present) + len(added) == MAX_ATTRIBUTES:
            break
        added[name] = {"DataType": "String", "StringValue": value}
    return {**entry, "MessageAttributes": {**added, **present}} if added else dict(entry)


def _size(entry: Mapping[str, Any], sending: _Sending) -> int:
    """Bytes as SQS and SNS count them."""
    if not sending.most_bytes:
        return 0
    attributes = entry.get("MessageAttributes", {}).items()
    return len(entry[sending.body].encode()) + sum(
        len(name.encode())
        + len(attribute["DataType"])
        + len(attribute.get("BinaryValue") or attribute["StringValue"].encode())
        for name, attribute in attributes
    )
