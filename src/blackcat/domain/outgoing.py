"""A message as it is sent: what callers give, checked before anything leaves the process."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from blackcat.domain.message import Attribute, AttributeValue
from blackcat.domain.payload import encode
from blackcat.errors import InvalidMessage
from blackcat.resources import FIFO_SUFFIX, MAX_DELAY

# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
MAX_MESSAGE_BYTES = 1_048_576
MAX_ATTRIBUTES = 10
# What a topic takes unless its MaximumMessageSize was raised; a batch takes no more than one message.
# https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
MAX_PUBLISH_BYTES = 262_144
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
MAX_ID_LENGTH = 128

FORBIDDEN_CHARACTER = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ATTRIBUTE_NAME = re.compile(
    r"(?!(?i:aws|amazon)\.)(?!.*\.\.)[A-Za-z0-9_-]([A-Za-z0-9_.-]{0,254}[A-Za-z0-9_-])?"
)
_ID = re.compile(r"[A-Za-z0-9!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~]{1,128}")


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A message to send; one that SQS or SNS would refuse cannot be built.

    ``body`` and attributes together take up to 1 MiB, with at most ten attributes. ``delay`` goes up
    to 15 minutes (standard queues only). ``group_id`` orders messages in a FIFO queue and makes a
    standard queue fair; ``deduplication_id`` is for FIFO queues. Raises InvalidMessage.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
    """

    body: str
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    delay: timedelta | None = None
    group_id: str | None = None
    deduplication_id: str | None = None

    def __post_init__(self) -> None:
        if not self.body:
            raise InvalidMessage("a message needs a body of at least one character")
        forbidden = FORBIDDEN_CHARACTER.search(self.body)
        if forbidden:
            raise InvalidMessage(
                f"a body cannot hold the character U+{ord(forbidden[0]):04X}, at position "
                f"{forbidden.start()}: encode binary content, in base64 for example"
            )
        _check_attributes(self.attributes)
        if self.size > MAX_MESSAGE_BYTES:
            raise InvalidMessage(
                f"a message of {self.size} bytes is over the limit of {MAX_MESSAGE_BYTES}: "
                "store the content elsewhere and send a reference to it"
            )
        if self.delay is not None and not timedelta(0) <= self.delay <= MAX_DELAY:
            raise InvalidMessage(f"delay must lie between 0 and {MAX_DELAY}")
        for name, value in (("group_id", self.group_id), ("deduplication_id", self.deduplication_id)):
            if value is not None and not _ID.fullmatch(value):
                raise InvalidMessage(
                    f"{name} must be 1 to {MAX_ID_LENGTH} letters, digits or punctuation marks"
                )

    @property
    def size(self) -> int:
        """Bytes as SQS and SNS count them."""
        return size_of(self.body, self.attributes)


def size_of(body: str, attributes: Mapping[str, Attribute]) -> int:
    """Bytes as SQS and SNS count them: body, and names, types and values of the attributes."""
    return len(body.encode()) + sum(len(name.encode()) + one.size for name, one in attributes.items())


def outgoing(
    payload: Any,
    *,
    attributes: Mapping[str, AttributeValue] | None,
    group_id: str | None,
    deduplication_id: str | None,
    delay: timedelta | None = None,
) -> OutgoingMessage:
    """The message for what a caller sends or publishes. Raises EncodingError, InvalidMessage."""
    return OutgoingMessage(
        body=encode(payload),
        attributes={name: Attribute.of(value) for name, value in (attributes or {}).items()},
        delay=delay,
        group_id=group_id,
        deduplication_id=deduplication_id,
    )


def for_queue(message: OutgoingMessage, name: str) -> OutgoingMessage:
    """The message, if that queue takes it. Raises InvalidMessage."""
    if name.endswith(FIFO_SUFFIX) and message.delay:
        raise InvalidMessage(f"FIFO queue '{name}' takes no delay per message: declare it on the queue")
    _check_group(message, "queue", name)
    return message


def for_topic(message: OutgoingMessage, name: str) -> OutgoingMessage:
    """The message, if that topic takes it. Raises InvalidMessage."""
    if message.size > MAX_PUBLISH_BYTES:
        raise InvalidMessage(
            f"a message of {message.size} bytes is over SNS's limit of {MAX_PUBLISH_BYTES}: "
            "store the content elsewhere and publish a reference to it"
        )
    if message.delay is not None:
        raise InvalidMessage(f"topic '{name}' takes no delay: declare it on the subscribed queue")
    _check_group(message, "topic", name)
    return message


def _check_group(message: OutgoingMessage, kind: str, name: str) -> None:
    if name.endswith(FIFO_SUFFIX):
        if message.group_id is None:
            raise InvalidMessage(
                f"FIFO {kind} '{name}' needs group_id: messages of one group keep their order"
            )
    elif message.deduplication_id is not None:
        raise InvalidMessage(f"{kind} '{name}' is not FIFO: leave deduplication_id out")


def _check_attributes(attributes: Mapping[str, Attribute]) -> None:
    if len(attributes) > MAX_ATTRIBUTES:
        raise InvalidMessage(
            f"a message takes {MAX_ATTRIBUTES} attributes, not {len(attributes)}: move some into the body"
        )
    for name, attribute in attributes.items():
        if not _ATTRIBUTE_NAME.fullmatch(name):
            raise InvalidMessage(
                f"attribute name {name!r} is not allowed: up to 256 letters, digits, '_', '-' and single "
                "inner dots, not starting with 'AWS.' or 'Amazon.'"
            )
        if not attribute.value:
            raise InvalidMessage(f"attribute '{name}' is empty: leave it out")
        if isinstance(attribute.value, str) and FORBIDDEN_CHARACTER.search(attribute.value):
            raise InvalidMessage(f"attribute '{name}' holds a control character: send it as bytes")
