"""A message as it is received."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from blackcat.errors import InvalidMessage

# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html
MAX_PER_RECEIVE = 10
MAX_WAIT = timedelta(seconds=20)
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html
MAX_NUMBER_DIGITS = 38


@dataclass(frozen=True, slots=True)
class Attribute:
    """A message attribute with its SQS data type: String, Number or Binary, and ``.custom`` ones."""

    value: str | bytes
    type: str = "String"

    @classmethod
    def of(cls, value: AttributeValue) -> Attribute:
        """The attribute for a plain value. Raises InvalidMessage."""
        if isinstance(value, Attribute):
            return value
        if isinstance(value, bytes):
            return cls(value, "Binary")
        if isinstance(value, str):
            return cls(value)
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            raise InvalidMessage(f"an attribute is text, bytes or a number, not {value!r}: write it as text")
        if not Decimal(value).is_finite() or len(Decimal(str(value)).as_tuple().digits) > MAX_NUMBER_DIGITS:
            raise InvalidMessage(f"the number {value} is no SQS number of up to {MAX_NUMBER_DIGITS} digits")
        return cls(str(value), "Number")

    @property
    def size(self) -> int:
        value = self.value if isinstance(self.value, bytes) else self.value.encode()
        return len(value) + len(self.type)


AttributeValue = str | bytes | int | float | Decimal | Attribute


class Lease:
    """Whether a received message is still ours: its visibility timeout has not run out.

    Long handlers ask before they do what must not be done twice: ``if message.lease.held: ...``.
    A message that no consumer holds (in a test, say) is held for ever.
    """

    __slots__ = ("_began_at", "_expires_at", "_followers", "_monotonic")

    def __init__(self) -> None:
        self._monotonic: Callable[[], float] = time.monotonic
        self._began_at = self._monotonic()
        self._expires_at = math.inf
        self._followers: list[Callable[[timedelta], None]] = []

    @property
    def held(self) -> bool:
        return self._monotonic() < self._expires_at

    def left(self) -> timedelta | None:
        """The time until it runs out, unless it is extended; None when it never does."""
        if self._expires_at == math.inf:
            return None
        return timedelta(seconds=max(0.0, self._expires_at - self._monotonic()))

    def age(self) -> timedelta:
        """The time since the message was received."""
        return timedelta(seconds=max(0.0, self._monotonic() - self._began_at))

    def on_extended(self, follower: Callable[[timedelta], None]) -> None:
        """Call ``follower`` with the new length whenever the lease is extended, in another thread."""
        self._followers.append(follower)

    def run_until(self, expires_at: float, monotonic: Callable[[], float]) -> None:
        """For the consumer: the lease ends at that moment of that clock."""
        if self._expires_at == math.inf:
            self._began_at = monotonic()
        self._monotonic = monotonic
        self._expires_at = expires_at

    @property
    def followed(self) -> bool:
        return bool(self._followers)

    def extended(self, length: timedelta) -> None:
        """For the consumer: tell the followers."""
        for follower in self._followers:
            follower(length)

    def lose(self) -> None:
        """For the consumer: it is no longer ours."""
        self._expires_at = -math.inf


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
