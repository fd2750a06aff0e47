"""The messages in an event: as a consumer gets them, the sender's own content taken out of its envelope."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from blackcat.domain.envelope import unwrapped
from blackcat.domain.message import Attribute, Message
from blackcat.entrypoints.aws_lambda.events import Event, required, utc_time
from blackcat.errors import InvalidEvent
from blackcat.resources import FIFO_SUFFIX


@dataclass(frozen=True, slots=True)
class SqsRecord:
    """One record of an SQS event: its message, or the problem that keeps it from being one.

    ``group`` is None for a record of a standard queue; a record of a FIFO queue that does not tell its
    group has "", which stands for any.
    """

    id: str
    queue: str
    group: str | None
    message: Message | None
    problem: InvalidEvent | None = None


def sqs_records(event: Event) -> list[SqsRecord]:
    """The records of an SQS event, in their order.

    A record that lacks something is one with a ``problem``: it fails alone. One without ``messageId`` could
    not be reported as failed, and would be deleted unhandled: InvalidEvent is raised before anything is
    handled, so that Lambda keeps them all.
    https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
    """
    records = required(event, "Records", list, of="an SQS event")
    return [_sqs_record(number, record) for number, record in enumerate(records, start=1)]


def sns_messages(event: Event) -> list[Message]:
    """The notifications of an SNS event (Lambda gives one). Raises InvalidEvent.

    https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html
    """
    return [_sns_message(record) for record in required(event, "Records", list, of="an SNS event")]


def eventbridge_message(event: Event) -> Message:
    """The event of a bus, its ``detail`` as the body. Raises InvalidEvent.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html
    """
    of = "an EventBridge event"
    for field in ("version", "detail-type", "source", "region"):
        required(event, field, of=of)
    required(event, "detail", object, of=of)
    return unwrapped(
        Message(
            id=required(event, "id", of=of),
            body=json.dumps(event, ensure_ascii=False),
            sent_at=utc_time(required(event, "time", of=of), of="time"),
        )
    )


def _sqs_record(number: int, record: Any) -> SqsRecord:
    of = f"record {number} of the SQS event"
    if not isinstance(record, Mapping):
        raise InvalidEvent(f"{of} is no object: send it as AWS does")
    message_id = required(record, "messageId", of=of)
    arn = record.get("eventSourceARN")
    queue = arn.rpartition(":")[2] if isinstance(arn, str) else ""
    group = _group(record, queue)
    try:
        if group == "":
            required(record, "attributes.MessageGroupId", of=f"{of}, which is a FIFO queue's,")
        message = _sqs_message(record, of=f"{of} (message {message_id})")
    except InvalidEvent as problem:
        return SqsRecord(message_id, queue, group, None, problem)
    return SqsRecord(message_id, queue, group, message)


def _group(record: Event, queue: str) -> str | None:
    system = record.get("attributes")
    told = system.get("MessageGroupId") if isinstance(system, Mapping) else None
    if queue.endswith(FIFO_SUFFIX):
        return told if isinstance(told, str) else ""
    # Fair queues have groups too, and no order. Without the ARN it may be either.
    return told if not queue and isinstance(told, str) else None


def _sqs_message(record: Event, *, of: str) -> Message:
    system = record.get("attributes") or {}
    if not isinstance(system, Mapping):
        raise InvalidEvent(f"'attributes' of {of} is no object: send it as AWS does")
    return unwrapped(
        Message(
            id=record["messageId"],
            body=required(record, "body", of=of),
            # Without it the message can be handled, and only its return cannot be timed.
            receipt=str(record.get("receiptHandle") or ""),
            attributes=_attributes(record.get("messageAttributes") or {}, of=of),
            receive_count=_whole(system, "ApproximateReceiveCount", of=of) or 1,
            sent_at=_time(system, "SentTimestamp", of=of),
            group_id=system.get("MessageGroupId"),
            deduplication_id=system.get("MessageDeduplicationId"),
            sequence_number=system.get("SequenceNumber"),
            trace_header=system.get("AWSTraceHeader"),
        )
    )


def _attributes(wire: Any, *, of: str) -> dict[str, Attribute]:
    if not isinstance(wire, Mapping):
        raise InvalidEvent(f"'messageAttributes' of {of} is no object: send it as AWS does")
    return {name: _attribute(value, of=f"attribute '{name}' of {of}") for name, value in wire.items()}


def _attribute(wire: Event, *, of: str) -> Attribute:
    kind = required(wire, "dataType", of=of)
    if not kind.startswith("Binary"):
        return Attribute(required(wire, "stringValue", of=of), kind)
    try:
        return Attribute(base64.b64decode(required(wire, "binaryValue", of=of), validate=True), kind)
    except ValueError:
        raise InvalidEvent(f"'binaryValue' of {of} is no base64: send it as AWS does") from None


def _whole(system: Event, name: str, *, of: str) -> int | None:
    told = system.get(name)
    try:
        return None if told is None else int(told)
    except (ValueError, TypeError, OverflowError):
        raise InvalidEvent(f"'attributes.{name}' of {of} is no number: send it as AWS does") from None


def _time(system: Event, name: str, *, of: str) -> datetime | None:
    milliseconds = _whole(system, name, of=of)
    try:
        return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, timezone.utc)
    except (ValueError, OverflowError, OSError):
        raise InvalidEvent(f"'attributes.{name}' of {of} is no time: send it as AWS does") from None


def _sns_message(record: Any) -> Message:
    of = "the record of an SNS event"
    notification = required(record, "Sns", Mapping, of=of)
    for field in ("TopicArn", "Message"):
        required(notification, field, of=of)
    return unwrapped(
        Message(
            id=required(notification, "MessageId", of=of),
            body=json.dumps({**notification, "Type": "Notification"}, ensure_ascii=False),
            sent_at=utc_time(required(notification, "Timestamp", of=of), of="Timestamp"),
        )
    )
