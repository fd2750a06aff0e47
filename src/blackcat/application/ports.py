"""The ports: what the application needs from outside, as small Protocols named for their role.

An adapter that passes the contract suite of ``blackcat.testing.contracts`` can replace another.
Every verb raises RemoteError: a TransientError when trying again may help, else a PermanentError.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

from blackcat.domain.conditions import KeyCondition
from blackcat.domain.message import AttributeValue, Message
from blackcat.domain.outgoing import OutgoingMessage
from blackcat.domain.outgoing_event import OutgoingEvent
from blackcat.domain.secret import CURRENT, SecretValue
from blackcat.errors import InvalidRequest, TransientError
from blackcat.resources import TableResource

T = TypeVar("T")
Item = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class BatchFailure:
    """One entry of a batch that was refused; ``transient`` when sending it again may help."""

    index: int
    code: str
    reason: str
    transient: bool


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What became of each entry of a batch, by its position in the call.

    ``succeeded`` gives the message id of each position that was sent (the receipt, for entries that
    were not sent but deleted, extended or released).
    """

    succeeded: Mapping[int, str]
    failed: tuple[BatchFailure, ...] = ()

    def raise_for_failure(self, resource: str) -> None:
        """Raises TransientError when trying the failed entries again may help, else InvalidRequest."""
        if not self.failed:
            return
        first = self.failed[0]
        kind = TransientError if all(failure.transient for failure in self.failed) else InvalidRequest
        count = f"{len(self.failed)} of {len(self.failed) + len(self.succeeded)} entries failed"
        raise kind(f"{count}, first: {first.reason or first.code}", resource=resource, code=first.code)


@dataclass(frozen=True, slots=True)
class Visibility:
    """How long from now a received message stays hidden from other receivers: up to 12 hours."""

    receipt: str
    timeout: timedelta


@dataclass(frozen=True, slots=True)
class QueueDescription:
    """A queue as it is: its lease, and where its dead letters go."""

    visibility_timeout: timedelta
    dead_letter_queue: str | None = None
    max_receive_count: int | None = None


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """How many messages wait, are held by receivers, or are not due yet (approximate on SQS)."""

    waiting: int
    in_flight: int
    delayed: int

    @property
    def total(self) -> int:
        return self.waiting + self.in_flight + self.delayed


class Queue(Protocol):
    """A queue of messages, delivered at least once."""

    @property
    def name(self) -> str: ...

    def send(
        self,
        payload: Any,
        *,
        attributes: Mapping[str, AttributeValue] | None = None,
        delay: timedelta | None = None,
        group_id: str | None = None,
        deduplication_id: str | None = None,
    ) -> str:
        """Send a payload, encoded as JSON unless it is a ``str``; returns the message id.

        Raises EncodingError or InvalidMessage before anything is sent.
        """
        ...

    def send_batch(self, messages: Iterable[OutgoingMessage]) -> BatchResult:
        """Send any number of messages, in as few calls as the limits allow."""
        ...

    def receive(self, *, limit: int = 10, wait: timedelta = timedelta(0)) -> Sequence[Message]:
        """Up to ``limit`` messages (1 to 10), waiting up to ``wait`` (20 seconds at most) for the first."""
        ...

    def delete(self, receipts: Sequence[str]) -> BatchResult:
        """Delete what was received: it is done."""
        ...

    def extend(self, changes: Sequence[Visibility]) -> BatchResult:
        """Keep received messages hidden for longer, each for its own time from now."""
        ...

    def release(self, receipts: Sequence[str]) -> BatchResult:
        """Give received messages back at once, in this order."""
        ...


class Broker(Protocol):
    """Where queues are found by name."""

    def queue(self, name: str) -> Queue:
        """The queue of that name; nothing is called yet."""
        ...

    def describe(self, name: str) -> QueueDescription:
        """The queue's attributes. Raises QueueNotFound."""
        ...

    def depth(self, name: str) -> QueueDepth:
        """How many messages the queue holds. Raises QueueNotFound."""
        ...


class Topic(Protocol):
    """A topic: each message goes to every subscriber."""

    @property
    def name(self) -> str: ...

    def publish(
        self,
        payload: Any,
        *,
        attributes: Mapping[str, AttributeValue] | None = None,
        group_id: str | None = None,
        deduplication_id: str | None = None,
    ) -> str:
        """Publish a payload, encoded as JSON unless it is a ``str``; returns the message id.

        Raises EncodingError or InvalidMessage before anything is sent.
        """
        ...

    def publish_batch(self, messages: Iterable[OutgoingMessage]) -> BatchResult:
        """Publish any number of messages, in as few calls as the limits allow."""
        ...


class EventBus(Protocol):
    """An event bus: each event goes to every rule that it matches."""

    @property
    def name(self) -> str: ...

    def put(
        self,
        detail: Any,
        *,
        source: str,
        detail_type: str,
        resources: Sequence[str] = (),
        time: datetime | None = None,
    ) -> str:
        """Put an event whose detail is a payload with a JSON object as its form; returns the event's id.

        Raises EncodingError or InvalidMessage before anything is sent, BusNotFound when there is no
        such bus.
        """
        ...

    def put_batch(self, events: Iterable[OutgoingEvent]) -> BatchResult:
        """Put any number of events, in as few calls as the limits allow."""
        ...


class Table(Protocol):
    """A table of items under a primary key.

    Items hold text, numbers, bytes, booleans, None, lists, sets and mappings, besides datetimes, dates,
    UUIDs and enums, which are stored as text (an enum as its value). What comes back is what the table
    holds: numbers as int or Decimal, times as ISO 8601 text in UTC. A pydantic model turns it back
    into what was saved.
    """

    @property
    def name(self) -> str: ...

    @property
    def resource(self) -> TableResource:
        """The table's keys and indexes, under the name that it really has."""
        ...

    def save(self, item: Item, *, version: int | None = None) -> int:
        """Write a whole item; returns the version that it now has.

        Without ``version`` the write is unconditional and the item's version is what it says itself
        (0 when it says nothing). With it, the write happens only if the stored item still has that
        version (0: does not exist yet; UNVERSIONED, -1: exists and has no version, or 0), and stores
        the next one. Raises ConditionFailed when another writer came first, InvalidItem when a value
        cannot be stored as it is.
        """
        ...

    def get(self, key: Item) -> dict[str, Any] | None:
        """The item under that primary key, read consistently; None when there is none."""
        ...

    def delete(self, key: Item, *, version: int | None = None) -> None:
        """Remove an item, if it is there; with ``version``, only while it has that version (0: none yet)."""
        ...

    def query(
        self,
        partition: Any,
        *,
        sort: KeyCondition | None = None,
        index: str | None = None,
        ascending: bool = True,
        limit: int | None = None,
        after: Item | None = None,
        consistent: bool = False,
    ) -> Iterator[dict[str, Any]]:
        """The items of one partition in the order of their sort key, fetched page by page as needed.

        With ``after``, an item that such a query gave or all its key attributes, those that follow it.
        What was written within the last second may be missing, unless ``consistent`` asks for it, which
        an index cannot give. Raises InvalidRequest for a limit below 1.
        """
        ...

    def get_batch(self, keys: Iterable[Item]) -> list[dict[str, Any] | None]:
        """The items under any number of primary keys, in their order, read consistently."""
        ...

    def write_batch(self, *, save: Iterable[Item] = (), delete: Iterable[Item] = ()) -> None:
        """Save any number of items and delete others by their keys: unconditional, and not all or nothing.

        Raises InvalidItem before anything is written, also when an item stands in it twice. After a
        TransientError call it again with the same: writing twice does no harm.
        """
        ...


@dataclass(frozen=True, slots=True)
class Save:
    """A write of a transaction: a whole item, under the same condition as in ``Table.save``."""

    table: Table
    item: Item
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Delete:
    """A write of a transaction: an item removed, under the same condition as in ``Table.delete``."""

    table: Table
    key: Item
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """A condition of a transaction: the item has that version (0: there is none; -1: it has no version)."""

    table: Table
    key: Item
    version: int


Write = Save | Delete | Check


class Transactions(Protocol):
    """All or nothing, across tables."""

    def write(self, writes: Iterable[Write], *, token: str | None = None) -> None:
        """Carry out up to 100 writes, each of another item, or none of them.

        Within ten minutes a call with the same ``token`` (up to 36 characters: a message id, say) and
        the same writes has no further effect. Raises TransactionCanceled when a condition did not hold,
        a TransientError when another transaction was at the same items.
        """
        ...

    def read(self, items: Iterable[tuple[Table, Item]]) -> list[dict[str, Any] | None]:
        """Up to 100 items by table and primary key, in their order, as they are at one moment."""
        ...


class SecretStore(Protocol):
    """Secrets, by name or ARN."""

    def get(self, name: str, *, stage: str = CURRENT, version_id: str | None = None) -> SecretValue:
        """The version that bears the stage, or the version of that id, whatever its stage.

        Raises SecretNotFound when there is no such secret or version, or the secret is deleted.
        """
        ...


@dataclass(frozen=True, slots=True)
class Parameter:
    """A configuration parameter; a ``secret`` one was stored encrypted. A list is text with commas."""

    name: str
    value: str = field(repr=False)
    secret: bool = False


class ParameterStore(Protocol):
    """Configuration parameters, by name or ARN."""

    def get(self, names: Sequence[str]) -> Mapping[str, Parameter]:
        """Those that exist, under the names that they were asked for; in as few calls as possible."""
        ...


class Decoder(Protocol):
    """Turns a body into what a handler's annotation asks for."""

    def __call__(self, body: str) -> Any:
        """The payload. Raises DecodingError, naming the fields that are wrong."""
        ...


class Resolver(Protocol):
    """A container: gives an instance for a type. ``punq.Container`` is one."""

    def resolve(self, service_key: type[T], /) -> T: ...


class Clock(Protocol):
    """Time: the date for records, the monotonic seconds for intervals."""

    def now(self) -> datetime: ...

    def monotonic(self) -> float: ...
