"""A message: as it is received, and as it is sent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from blackcat.errors import InvalidMessage
from blackcat.resources import MAX_DELAY

# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
MAX_MESSAGE_BYTES = 1_048_576
MAX_ATTRIBUTES = 10
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
MAX_ID_LENGTH = 128

_FORBIDDEN_CHARACTER = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ATTRIBUTE_NAME = re.compile(r"(?!(?i:aws|amazon)\.)(?!.*\.\.)[A-Za-z0-9_-]([A-Za-z0-9_.-]{0,254}[A-Za-z0-9_-])?")
_ID = re.compile(r"[A-Za-z0-9!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~]{1,128}")


@dataclass(frozen=True, slots=True)
class Attribute:
    """A message attribute with its SQS data type: String, Number or Binary, and ``.custom`` ones."""

    value: str | bytes
    type: str = "String"

    @classmethod
    def of(cls, value: AttributeValue) -> Attribute:
        """The attribute for a plain value."""
        if isinstance(value, Attribute):
            return value
        if isinstance(value, bytes):
            return cls(value, "Binary")
        if isinstance(value, str):
            return cls(value)
        return cls(str(value), "Number")

    @property
    def size(self) -> int:
        value = self.value if isinstance(self.value, bytes) else self.value.encode()
        return len(value) + len(self.type)


AttributeValue = str | bytes | int | float | Decimal | Attribute


class Lease:
    """Whether a received message is still ours: its visibility timeout has not run out.

    Long handlers ask before they do what must not be done twice: ``if message.lease.held: ...``.
    """

    __slots__ = ("held",)

    def __init__(self) -> None:
        self.held = True

    def lose(self) -> None:
        self.held = False


@dataclass(frozen=True, slots=True)
class Envelope:
    """What SNS or EventBridge wrapped around the content: where it came from, and the text as received."""

    source: str
    id: str
    body: str
    attributes: Mapping[str, Attribute]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message as received from a queue.

    ``body`` and ``attributes`` are what the sender wrote, whether it came directly, over SNS or over
    EventBridge; ``envelope`` is what was around them, if anything was. ``receipt`` stands for this
    one delivery: a redelivered message has the same ``id`` and another receipt.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html
    """

    id: str
    body: str
    receipt: str = ""
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    receive_count: int = 1
    sent_at: datetime | None = None
    group_id: str | None = None
    deduplication_id: str | None = None
    sequence_number: str | None = None
    trace_header: str | None = None
    envelope: Envelope | None = None
    lease: Lease = field(default_factory=Lease, compare=False, repr=False)

    @property
    def original_body(self) -> str:
        """The body as it stood in the queue, envelope included."""
        return self.envelope.body if self.envelope else self.body

    @property
    def original_attributes(self) -> Mapping[str, Attribute]:
        """The attributes as they stood in the queue."""
        return self.envelope.attributes if self.envelope else self.attributes


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
        forbidden = _FORBIDDEN_CHARACTER.search(self.body)
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
                    f"{name} must be 1 to {MAX_ID_LENGTH} letters, digits or punctuation marks, without spaces"
                )

    @property
    def size(self) -> int:
        """Bytes as SQS and SNS count them: body, and names, types and values of the attributes."""
        attributes = sum(len(name.encode()) + a.size for name, a in self.attributes.items())
        return len(self.body.encode()) + attributes


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
        if isinstance(attribute.value, str) and _FORBIDDEN_CHARACTER.search(attribute.value):
            raise InvalidMessage(f"attribute '{name}' holds a control character: send it as bytes")
