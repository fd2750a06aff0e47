"""SQS's messages in the AWS JSON 1.0 protocol, as boto3 speaks it.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-making-api-requests-json.html
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from blackcat.domain.message import Attribute, Message
from blackcat.domain.outgoing import OutgoingMessage

Json = dict[str, Any]


def outgoing(entry: Mapping[str, Any]) -> OutgoingMessage:
    """The message of a SendMessage call, or of an entry of SendMessageBatch."""
    delay = entry.get("DelaySeconds")
    return OutgoingMessage(
        body=entry["MessageBody"],
        attributes={name: _attribute(one) for name, one in entry.get("MessageAttributes", {}).items()},
        delay=None if delay is None else timedelta(seconds=delay),
        group_id=entry.get("MessageGroupId"),
        deduplication_id=entry.get("MessageDeduplicationId"),
    )


def received(message: Message) -> Json:
    """A message as ReceiveMessage answers it."""
    system = {
        "ApproximateReceiveCount": str(message.receive_count),
        "SentTimestamp": str(int(message.sent_at.timestamp() * 1000)) if message.sent_at else None,
        "MessageGroupId": message.group_id,
        "MessageDeduplicationId": message.deduplication_id,
        "SequenceNumber": message.sequence_number,
    }
    return {
        "MessageId": message.id,
        "ReceiptHandle": message.receipt,
        "Body": message.body,
        "MD5OfBody": md5(message.body),
        "Attributes": {name: value for name, value in system.items() if value is not None},
        "MessageAttributes": {name: _wire(attribute) for name, attribute in message.attributes.items()},
    }


def md5(body: str) -> str:
    return hashlib.md5(body.encode(), usedforsecurity=False).hexdigest()


def _attribute(wire: Mapping[str, Any]) -> Attribute:
    if "BinaryValue" in wire:
        return Attribute(base64.b64decode(wire["BinaryValue"]), wire["DataType"])
    return Attribute(wire["StringValue"], wire["DataType"])


def _wire(attribute: Attribute) -> Json:
    if isinstance(attribute.value, bytes):
        return {"DataType": attribute.type, "BinaryValue": base64.b64encode(attribute.value).decode()}
    return {"DataType": attribute.type, "StringValue": attribute.value}
