"""Messages on their way to RabbitMQ and back."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

import pika
from pika.delivery_mode import DeliveryMode

from blackcat.domain.message import Attribute, Message
from blackcat.domain.outgoing import OutgoingMessage, size_of
from blackcat.errors import InvalidMessage

# The headers of a message travel in one frame, of 128 KiB by default: what else they hold is small.
# https://www.rabbitmq.com/docs/configure#config-items (frame_max)
MAX_ATTRIBUTES_BYTES = 98_304

_ATTRIBUTES = "blackcat-attributes"
_GROUP = "blackcat-group"
_SENT_AT = "blackcat-sent-at"
_RETURNED = "x-delivery-count"  # quorum queues count how often a message was given back


def checked(message: OutgoingMessage, destination: str) -> OutgoingMessage:
    """The message, if RabbitMQ takes it. Raises InvalidMessage."""
    size = size_of("", message.attributes)
    if size > MAX_ATTRIBUTES_BYTES:
        raise InvalidMessage(
            f"attributes of {size} bytes for {destination} are over the {MAX_ATTRIBUTES_BYTES} bytes that "
            "RabbitMQ's headers take: move some into the body"
        )
    return message


def properties(
    message: OutgoingMessage, *, message_id: str | None = None, headers: Mapping[str, str] | None = None
) -> pika.BasicProperties:
    """Written to disk before it is confirmed; with a new message id, and further headers to route it by."""
    found: dict[str, Any] = {_SENT_AT: time.time_ns() // 1_000_000, **(headers or {})}
    if message.attributes:
        # Names may be longer than the keys of a table are in AMQP.
        found[_ATTRIBUTES] = [[name, one.type, one.value] for name, one in message.attributes.items()]
    if message.group_id is not None:
        found[_GROUP] = message.group_id
    return pika.BasicProperties(
        message_id=message_id or str(uuid.uuid4()),
        delivery_mode=DeliveryMode.Persistent.value,
        content_encoding="utf-8",
        headers=found,
    )


def received(sent: pika.BasicProperties, body: bytes, receipt: str) -> Message:
    """A message of any sender; without a ``message_id`` each of its deliveries gets another id."""
    headers: Mapping[str, Any] = sent.headers or {}
    return Message(
        id=sent.message_id or str(uuid.uuid4()),
        body=body.decode(errors="replace"),
        receipt=receipt,
        attributes={name: Attribute(value, kind) for name, kind, value in headers.get(_ATTRIBUTES, ())},
        receive_count=int(headers.get(_RETURNED, 0)) + 1,
        sent_at=_time(headers.get(_SENT_AT)),
        group_id=headers.get(_GROUP),
    )


def _time(milliseconds: int | None) -> datetime | None:
    if milliseconds is None:
        return None
    return datetime.fromtimestamp(milliseconds / 1000, timezone.utc)
