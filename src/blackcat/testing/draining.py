"""Draining: what stands in a queue is handled now, in this thread, as a consumer would handle it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from blackcat.application.consumer.dead_letters import dead_letter_copy
from blackcat.application.ports import Broker, Queue, Visibility
from blackcat.domain.envelope import unwrapped
from blackcat.domain.message import Message
from blackcat.domain.outcome import Handled, Outcome, Rejected, Retried
from blackcat.resources import FIFO_SUFFIX

MOST_MESSAGES = 1000
# Nothing is redelivered in the middle of a drain, however slow the machine is.
_HELD = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Drained:
    """A message, and what its handler decided."""

    message: Message
    outcome: Outcome


def drained(
    queue_name: str,
    *,
    broker: Broker,
    handle: Callable[[Message], Outcome],
    service: str,
    redact: Callable[[str], str] = str,
    most: int = MOST_MESSAGES,
) -> list[Drained]:
    """Handle messages one after the other until none is left that can be received now.

    What is handled is deleted; what is rejected goes to the dead-letter queue, with the reason. What is
    retried or deferred comes back at once, whatever its delay, for the next drain: each drain is one
    attempt, and a test waits for no backoff. What its handler sends to the same queue is handled too.
    After a failure the rest of a FIFO group stays in the queue. Messages with a delay stay there as long
    as it lasts. Raises AssertionError after ``most`` messages: they are sending one another. What a
    handler raises that is no Exception (KeyboardInterrupt, pytest's ``fail`` and ``skip``) comes out;
    SystemExit is a failure of the message, as it is to a consumer.
    """
    return _Drain(queue_name, broker, handle, service, redact, most).run()


class _Drain:
    def __init__(
        self,
        queue_name: str,
        broker: Broker,
        handle: Callable[[Message], Outcome],
        service: str,
        redact: Callable[[str], str],
        most: int,
    ) -> None:
        letters = broker.describe(queue_name).dead_letter_queue
        self._queue = broker.queue(queue_name)
        self._dead_letters: Queue | None = broker.queue(letters) if letters else None
        self._handle = handle
        self._service = service
        self._redact = redact
        self._most = most
        self._results: list[Drained] = []
        self._come_back: list[str] = []
        self._failed_groups: set[str] = set()

    def run(self) -> list[Drained]:
        try:
            for message in self._received():
                self._take(message)
        finally:
            # The last received first, so that a FIFO group keeps its order.
            if self._come_back:
                self._queue.release(self._come_back[::-1]).raise_for_failure(self._queue.name)
        return self._results

    def _received(self) -> Iterator[Message]:
        while messages := self._queue.receive():
            held = [Visibility(message.receipt, _HELD) for message in messages]
            self._come_back += [message.receipt for message in messages]
            self._queue.extend(held).raise_for_failure(self._queue.name)
            yield from messages

    def _take(self, message: Message) -> None:
        if message.group_id is not None and message.group_id in self._failed_groups:
            return
        if len(self._results) == self._most:
            raise AssertionError(
                f"'{self._service}' handled {self._most} messages and there are more: if it does not send to "
                "its own queue without end, give drain a higher `most`"
            )
        opened = unwrapped(message)
        outcome = self._handle(opened)
        _let_through(outcome)
        self._results.append(Drained(opened, outcome))
        if isinstance(outcome, Handled) or self._dead_lettered(opened, outcome):
            self._queue.delete([message.receipt]).raise_for_failure(self._queue.name)
            self._come_back.remove(message.receipt)
        elif message.group_id is not None and self._queue.name.endswith(FIFO_SUFFIX):
            self._failed_groups.add(message.group_id)

    def _dead_lettered(self, message: Message, outcome: Outcome) -> bool:
        """Whether it stands there now; without such a queue a rejected message stays in its own."""
        if not isinstance(outcome, Rejected) or self._dead_letters is None:
            return False
        copy = dead_letter_copy(message, outcome, service=self._service, version="", redact=self._redact)
        self._dead_letters.send_batch([copy]).raise_for_failure(self._dead_letters.name)
        return True


def _let_through(outcome: Outcome) -> None:
    """A consumer's thread must outlive what is raised in it; here it is meant for whoever runs the test."""
    error = outcome.error if isinstance(outcome, Retried | Rejected) else None
    if error is not None and not isinstance(error, Exception | SystemExit):
        raise error
