"""Messages on their way to SQS and SNS, which share the wire form, and on their way back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from blackcat.domain.message import Attribute, Message
from blackcat.domain.outgoing import OutgoingMessage


def wire_options(message: OutgoingMessage) -> dict[str, Any]:
    """What SQS and SNS take besides the body, under the same names."""
    options: dict[str, Any] = {}
    if message.attributes:
        options["MessageAttributes"] = {
            name: _wire_attribute(attribute) for name, attribute in message.attributes.items()
        }
    if message.group_id is not None:
        options["MessageGroupId"] = message.group_id
    if message.deduplication_id is not None:
        options["MessageDeduplicationId"] = message.deduplication_id
    return options


def received(wire: Mapping[str, Any]) -> Message:
    """A message from ReceiveMessage's answer, with its envelope still around it.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_Message.html
    """
    system = wire.get("Attributes", {})
    return Message(
        id=wire["MessageId"],
        body=wire["Body"],
        receipt=wire["ReceiptHandle"],
        attributes={name: _attribute(value) for name, value in wire.get("MessageAttributes", {}).items()},
        receive_count=int(system.get("ApproximateReceiveCount", 1)),
        sent_at=_time(system.get("SentTimestamp")),
        group_id=system.get("MessageGroupId"),
        deduplication_id=system.get("MessageDeduplicationId"),
        sequence_number=system.get("SequenceNumber"),
        trace_header=system.get("AWSTraceHeader"),
    )


def _wire_attribute(attribute: Attribute) -> dict[str, Any]:
    kind = "BinaryValue" if isinstance(attribute.value, bytes) else "StringValue"
    return {"DataType": attribute.type, kind: attribute.value}


def _attribute(wire: Mapping[str, Any]) -> Attribute:
    value = wire["BinaryValue"] if "BinaryValue" in wire else wire["StringValue"]
    return Attribute(value, wire["DataType"])


def _time(milliseconds: str | None) -> datetime | None:
    if milliseconds is None:
        return None
    return datetime.fromtimestamp(int(milliseconds) / 1000, timezone.utc)
