"""The model of SQS in blackcat.testing, with every effect on it recorded."""

from __future__ import annotations

import hashlib
import json
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone

from blackcat.application.ports import BatchFailure, QueueDepth, QueueDescription
from blackcat.domain.message import Attribute, Message
from blackcat.domain.outgoing import MAX_ATTRIBUTES, MAX_MESSAGE_BYTES, OutgoingMessage
from blackcat.errors import QueueNotFound
from blackcat.resources import MAX_VISIBILITY, QueueResource
from blackcat.testing import InMemoryBroker
from blackcat.testing.mailbox import Mailbox
from chaos.history import Event, Kind, Recorder

LABEL = "label"
REASON = "blackcat.reason"
# How often a waiting receive looks again.
_TICK_SECONDS = 0.005
# Longer than a reason, and what is told beside it.
_ROOM_BYTES = 2_000
# A history need not hold every byte of a body.
_LONGEST_BODY = 1_000


@dataclass(frozen=True)
class Call:
    """Who asks for what, and what is done to the call."""

    client: str
    connection: int = 0
    operation: str = ""
    answered: bool = True
    fault: str = ""


class ShiftedClock:
    """The machine's clock, which can be put forward."""

    def __init__(self) -> None:
        self._ahead = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(timezone.utc) + self._ahead

    def monotonic(self) -> float:
        return time.monotonic() + self._ahead.total_seconds()

    def advance(self, by: timedelta) -> None:
        self._ahead += by


class RecordedQueues:
    """A queue and its dead-letter queue. An effect and its record are one step for all other threads."""

    def __init__(self, resource: QueueResource, recorder: Recorder) -> None:
        self.resource = resource
        self._recorder = recorder
        self._clock = ShiftedClock()
        self._broker = InMemoryBroker(self._clock)
        self._broker.create(resource)
        # Nothing comes into a queue, or out of it, while it is taken away.
        self._gate = threading.RLock()
        self._delivered: dict[str, Message] = {}  # by receipt
        self._hidden_until: dict[str, float] = {}  # by message id
        self._originals: dict[str, str] = {}  # the receipt that a twin's receipt stands for
        self._twins: list[Message] = []

    def describe(self, queue: str) -> QueueDescription:
        """Raises QueueNotFound."""
        return self._broker.describe(queue)

    def depth(self, queue: str) -> QueueDepth:
        """Raises QueueNotFound."""
        return self._broker.depth(queue)

    def exists(self) -> bool:
        try:
            self.describe(self.resource.name)
        except QueueNotFound:
            return False
        return True

    def delete_queue(self) -> None:
        """The queue is no more, and what it held; its dead-letter queue stays."""
        with self._gate:
            old, old_clock = self._broker, self._clock
            self._clock = ShiftedClock()
            self._broker = InMemoryBroker(self._clock)
            if dead_letters := self.resource.dead_letter:
                self._broker.create(dead_letters)
            _make_all_visible(old_clock)
            for queue in self._names():
                kind: Kind = "discarded" if queue == self.resource.name else "left"
                self._record_all(kind, old, queue)

    def create_queue(self) -> None:
        self._broker.create(self.resource)

    def purge(self) -> None:
        """Nothing is left of what the queue held, in flight or not."""
        with self._gate:
            self.delete_queue()
            self.create_queue()

    def put(self, queue: str, content: OutgoingMessage, call: Call) -> str:
        """Raises InvalidRequest, QueueNotFound."""
        with self._opened(queue) as mailbox:
            message_id = mailbox.put(content)
            self._record(
                "sent",
                call,
                queue=queue,
                message=message_id,
                label=_text(content.attributes.get(LABEL)),
                body=_brief(content.body),
                group=content.group_id,
                reason=_text(content.attributes.get(REASON)),
                key=_key(content.body),
                crowded=_is_crowded(content),
            )
        return message_id

    def take(self, queue: str, limit: int, wait: float, call: Call, *, twice: bool = False) -> list[Message]:
        """Up to ``limit`` messages, as soon as there is one; ``twice`` delivers one of them twice."""
        self._record("polled", call, queue=queue)
        deadline = time.monotonic() + wait
        while not (messages := self._take(queue, limit, call, twice)) and time.monotonic() < deadline:
            time.sleep(_TICK_SECONDS)
        return messages

    def delete(self, queue: str, receipt: str, index: int, call: Call) -> BatchFailure | None:
        with self._opened(queue) as mailbox:
            failure = mailbox.delete(self._original(receipt), index)
            self._record_change("deleted", queue, receipt, call, effect=failure is None)
        return failure

    def hide(
        self, queue: str, receipt: str, timeout: timedelta, index: int, call: Call
    ) -> BatchFailure | None:
        with self._opened(queue) as mailbox:
            failure = mailbox.hide(self._original(receipt), timeout, index)
            until = time.monotonic() + timeout.total_seconds()
            event = self._record_change("hidden", queue, receipt, call, effect=failure is None, until=until)
            if event.effect:
                self._hidden_until[event.message] = until
        return failure

    def withhold(self, queue: str, receipt: str, timeout: timedelta | None, call: Call) -> None:
        """Record a delete, or with ``timeout`` a change of visibility, that a fault keeps from its effect."""
        if timeout is None:
            self._record_change("deleted", queue, receipt, call, effect=False)
            return
        until = time.monotonic() + timeout.total_seconds()
        self._record_change("hidden", queue, receipt, call, effect=False, until=until)

    def expire(self, queue: str, receipt: str) -> None:
        """End a receipt before its time."""
        if not self.exists():
            return
        with self._opened(queue) as mailbox:
            if mailbox.hide(receipt, timedelta(0), 0) is None:
                call = Call(client="", fault="early-expiry")
                event = self._record_change("expired", queue, receipt, call, until=time.monotonic())
                self._hidden_until[event.message] = event.until

    def remains(self) -> None:
        """Record what stands in the queues, and empty them: nobody uses them any more."""
        _make_all_visible(self._clock)
        for queue in self._names():
            if queue != self.resource.name or self.exists():
                self._record_all("left", self._broker, queue)

    @contextmanager
    def _opened(self, queue: str) -> Iterator[Mailbox]:
        with self._gate, self._broker.opened(queue) as mailbox:
            yield mailbox

    def _names(self) -> Iterator[str]:
        # In this order: looking for messages moves those that were received too often.
        yield self.resource.name
        if dead_letters := self.resource.dead_letter:
            yield dead_letters.name

    def _take(self, queue: str, limit: int, call: Call, twice: bool) -> list[Message]:
        with self._opened(queue) as mailbox:
            twins, self._twins = self._valid_twins()[:limit], []
            messages = mailbox.take(limit - len(twins))
            for message in messages:
                timeout = self.resource.visibility_timeout.total_seconds()
                self._hidden_until[message.id] = time.monotonic() + timeout
            if twice and messages:
                self._twins.append(self._twin_of(messages[0]))
                twins += self._twins if len(messages) + len(twins) < limit else []
            delivered = [*messages, *twins]
            self._twins = [twin for twin in self._twins if twin not in twins]
            for message in delivered:
                self._record_received(queue, message, call)
        return delivered

    def _valid_twins(self) -> list[Message]:
        now = time.monotonic()
        return [twin for twin in self._twins if self._hidden_until[twin.id] > now]

    def _twin_of(self, message: Message) -> Message:
        twin = replace(message, receipt=f"{uuid.uuid4()}-twin")
        self._originals[twin.receipt] = message.receipt
        return twin

    def _original(self, receipt: str) -> str:
        return self._originals.get(receipt, receipt)

    def _record_received(self, queue: str, message: Message, call: Call) -> None:
        self._delivered[message.receipt] = message
        self._record(
            "received",
            call,
            queue=queue,
            message=message.id,
            label=_text(message.attributes.get(LABEL)),
            group=message.group_id,
            receipt=message.receipt,
            until=self._hidden_until[message.id],
            count=message.receive_count,
        )

    def _record_all(self, kind: Kind, broker: InMemoryBroker, queue: str) -> None:
        with broker.opened(queue) as mailbox:
            while messages := mailbox.take(10):
                for index, message in enumerate(messages):
                    mailbox.delete(message.receipt, index)
                    self._record_content(kind, queue, message)

    def _record_content(self, kind: Kind, queue: str, message: Message) -> None:
        self._recorder.record(
            kind,
            queue=queue,
            message=message.id,
            label=_text(message.attributes.get(LABEL)),
            body=_brief(message.body),
            group=message.group_id,
            count=message.receive_count - 1,
            reason=_text(message.attributes.get(REASON)),
        )

    def _record_change(
        self, kind: Kind, queue: str, receipt: str, call: Call, *, effect: bool = True, until: float = 0.0
    ) -> Event:
        message = self._delivered.get(receipt)
        return self._record(
            kind,
            call,
            queue=queue,
            message=message.id if message else "",
            label=_text(message.attributes.get(LABEL)) if message else "",
            group=message.group_id if message else None,
            receipt=receipt,
            until=until,
            effect=effect,
        )

    def _record(self, kind: Kind, call: Call, **fields: object) -> Event:
        return self._recorder.record(
            kind,
            client=call.client,
            connection=call.connection,
            operation=call.operation,
            answered=call.answered,
            fault=call.fault,
            **fields,
        )


def _make_all_visible(clock: ShiftedClock) -> None:
    clock.advance(MAX_VISIBILITY + timedelta(hours=1))


def _brief(body: str) -> str:
    if len(body) <= _LONGEST_BODY:
        return body
    return f"{len(body)} characters, sha256 {hashlib.sha256(body.encode()).hexdigest()}"


def _key(body: str) -> str:
    """The idempotency key in a body, if it has one."""
    try:
        content = json.loads(body)
    except ValueError:
        return ""
    return str(content.get("key", "")) if isinstance(content, dict) else ""


def _is_crowded(content: OutgoingMessage) -> bool:
    crowded: bool = len(content.attributes) == MAX_ATTRIBUTES
    return crowded or content.size > MAX_MESSAGE_BYTES - _ROOM_BYTES


def _text(attribute: Attribute | None) -> str:
    return str(attribute.value) if attribute else ""
