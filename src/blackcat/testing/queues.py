"""Queues in memory that behave as SQS does."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from blackcat.application.clock import SystemClock
from blackcat.application.ports import (
    BatchFailure,
    BatchResult,
    Clock,
    QueueDepth,
    QueueDescription,
    Visibility,
)
from blackcat.domain.message import MAX_PER_RECEIVE, MAX_WAIT, AttributeValue, Message
from blackcat.domain.outgoing import OutgoingMessage, for_queue, outgoing
from blackcat.errors import InvalidRequest, QueueNotFound
from blackcat.resources import MAX_VISIBILITY, QueueResource
from blackcat.testing.mailbox import Mailbox

# A waiting receiver looks this often whether its clock has made a message visible meanwhile.
_TICK_SECONDS = 0.02


class InMemoryBroker:
    """Queues in memory, with their dead-letter queues. Safe to share between threads.

    Everything but the waiting of ``receive`` goes by ``clock``.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._changed = threading.Condition()
        self._mailboxes: dict[str, Mailbox] = {}

    def create(self, resource: QueueResource) -> InMemoryQueue:
        """Creates the queue and its dead-letter queue; a queue that exists keeps its messages."""
        with self._changed:
            self._create(resource)
        return self.queue(resource.name)

    def queue(self, name: str) -> InMemoryQueue:
        return InMemoryQueue(name, self)

    def describe(self, name: str) -> QueueDescription:
        with self.opened(name) as mailbox:
            resource = mailbox.resource
        dead_letter = resource.dead_letter
        return QueueDescription(
            visibility_timeout=resource.visibility_timeout,
            dead_letter_queue=dead_letter.name if dead_letter else None,
            max_receive_count=resource.max_receive_count,
        )

    def depth(self, name: str) -> QueueDepth:
        with self.opened(name) as mailbox:
            return mailbox.depth()

    @contextlib.contextmanager
    def opened(self, name: str) -> Iterator[Mailbox]:
        """A queue's mailbox, for this thread alone; afterwards waiting receivers look again."""
        with self._changed:
            yield self._find(name)
            self._changed.notify_all()

    def take(self, name: str, limit: int, wait: timedelta) -> list[Message]:
        """Up to ``limit`` messages as soon as there is one, within a real time of ``wait``."""
        deadline = time.monotonic() + wait.total_seconds()
        with self._changed:
            while True:
                messages = self._find(name).take(limit)
                left = deadline - time.monotonic()
                if messages or left <= 0:
                    return messages
                self._changed.wait(min(left, _TICK_SECONDS))

    def _find(self, name: str) -> Mailbox:
        if name not in self._mailboxes:
            raise QueueNotFound(f"create it first: broker.create(QueueResource('{name}'))", resource=name)
        return self._mailboxes[name]

    def _create(self, resource: QueueResource) -> Mailbox:
        dead_letters = self._create(resource.dead_letter) if resource.dead_letter else None
        return self._mailboxes.setdefault(resource.name, Mailbox(resource, self._clock, dead_letters))


class InMemoryQueue:
    """One queue of an InMemoryBroker."""

    def __init__(self, name: str, broker: InMemoryBroker) -> None:
        self._name = name
        self._broker = broker

    @property
    def name(self) -> str:
        return self._name

    def send(
        self,
        payload: Any,
        *,
        attributes: Mapping[str, AttributeValue] | None = None,
        delay: timedelta | None = None,
        group_id: str | None = None,
        deduplication_id: str | None = None,
    ) -> str:
        message = outgoing(
            payload,
            attributes=attributes,
            delay=delay,
            group_id=group_id,
            deduplication_id=deduplication_id,
        )
        with self._broker.opened(self._name) as mailbox:
            return mailbox.put(for_queue(message, self._name))

    def send_batch(self, messages: Iterable[OutgoingMessage]) -> BatchResult:
        checked = [for_queue(message, self._name) for message in messages]
        succeeded, failed = {}, []
        with self._broker.opened(self._name) as mailbox:
            for index, message in enumerate(checked):
                try:
                    succeeded[index] = mailbox.put(message)
                except InvalidRequest as error:
                    failed.append(BatchFailure(index, error.code, error.detail, error.transient))
        return BatchResult(succeeded, tuple(failed))

    def receive(self, *, limit: int = MAX_PER_RECEIVE, wait: timedelta = timedelta(0)) -> Sequence[Message]:
        if not 1 <= limit <= MAX_PER_RECEIVE:
            raise InvalidRequest(f"limit must be 1 to {MAX_PER_RECEIVE}, not {limit}", resource=self._name)
        if not timedelta(0) <= wait <= MAX_WAIT:
            raise InvalidRequest(f"wait must lie between 0 and {MAX_WAIT}, not {wait}", resource=self._name)
        return self._broker.take(self._name, limit, wait)

    def delete(self, receipts: Sequence[str]) -> BatchResult:
        with self._broker.opened(self._name) as mailbox:
            failures = [mailbox.delete(receipt, index) for index, receipt in enumerate(receipts)]
        return _result(receipts, failures)

    def extend(self, changes: Sequence[Visibility]) -> BatchResult:
        for change in changes:
            if not timedelta(0) <= change.timeout <= MAX_VISIBILITY:
                raise InvalidRequest(
                    f"a message can be hidden for 0 to {MAX_VISIBILITY}, not {change.timeout}",
                    resource=self._name,
                )
        with self._broker.opened(self._name) as mailbox:
            failures = [
                mailbox.hide(change.receipt, change.timeout, index) for index, change in enumerate(changes)
            ]
        return _result([change.receipt for change in changes], failures)

    def release(self, receipts: Sequence[str]) -> BatchResult:
        return self.extend([Visibility(receipt, timedelta(0)) for receipt in receipts])


def _result(receipts: Sequence[str], failures: Sequence[BatchFailure | None]) -> BatchResult:
    failed = tuple(failure for failure in failures if failure)
    refused = {failure.index for failure in failed}
    return BatchResult({i: r for i, r in enumerate(receipts) if i not in refused}, failed)
