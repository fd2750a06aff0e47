"""The model of SQS in blackcat.testing, with every effect on it recorded."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone

from blackcat.application.ports import BatchFailure, QueueDepth, QueueDescription
from blackcat.domain.message import Attribute, Message
from blackcat.domain.outgoing import OutgoingMessage
from blackcat.resources import MAX_VISIBILITY, QueueResource
from blackcat.testing import InMemoryBroker
from chaos.history import Event, Kind, Recorder

LABEL = "label"
REASON = "blackcat.reason"
# How often a waiting receive looks again.
_TICK_SECONDS = 0.005


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
        self._delivered: dict[str, Message] = {}  # by receipt
        self._hidden_until: dict[str, float] = {}  # by message id
        self._originals: dict[str, str] = {}  # the receipt that a twin's receipt stands for
        self._twins: list[Message] = []

    def describe(self, queue: str) -> QueueDescription:
        """Raises QueueNotFound."""
        return self._broker.describe(queue)

    def depth(self, queue: str) -> QueueDepth:
        return self._broker.depth(queue)

    def put(self, queue: str, content: OutgoingMessage, call: Call) -> str:
        """Raises InvalidRequest."""
        with self._broker.opened(queue) as mailbox:
            message_id = mailbox.put(content)
            self._record(
                "sent",
                call,
                queue=queue,
                message=message_id,
                label=_text(content.attributes.get(LABEL)),
                body=content.body,
                group=content.group_id,
                reason=_text(content.attributes.get(REASON)),
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
        with self._broker.opened(queue) as mailbox:
            failure = mailbox.delete(self._original(receipt), index)
            self._record_change("deleted", queue, receipt, call, effect=failure is None)
        return failure

    def hide(
        self, queue: str, receipt: str, timeout: timedelta, index: int, call: Call
    ) -> BatchFailure | None:
        with self._broker.opened(queue) as mailbox:
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
        with self._broker.opened(queue) as mailbox:
            if mailbox.hide(receipt, timedelta(0), 0) is None:
                call = Call(client="", fault="early-expiry")
                event = self._record_change("expired", queue, receipt, call, until=time.monotonic())
                self._hidden_until[event.message] = event.until

    def remains(self) -> None:
        """Record what stands in the queues, and empty them: nobody uses them any more."""
        self._clock.advance(MAX_VISIBILITY + timedelta(hours=1))
        for queue in self._names():
            while messages := self._emptied(queue):
                for message in messages:
                    self._record_left(queue, message)

    def _names(self) -> Iterator[str]:
        # In this order: looking for messages moves those that were received too often.
        yield self.resource.name
        if dead_letters := self.resource.dead_letter:
            yield dead_letters.name

    def _take(self, queue: str, limit: int, call: Call, twice: bool) -> list[Message]:
        with self._broker.opened(queue) as mailbox:
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

    def _emptied(self, queue: str) -> list[Message]:
        with self._broker.opened(queue) as mailbox:
            messages = mailbox.take(10)
            for index, message in enumerate(messages):
                mailbox.delete(message.receipt, index)
        return messages

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

    def _record_left(self, queue: str, message: Message) -> None:
        self._recorder.record(
            "left",
            queue=queue,
            message=message.id,
            label=_text(message.attributes.get(LABEL)),
            body=message.body,
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


def _text(attribute: Attribute | None) -> str:
    return str(attribute.value) if attribute else ""
