"""One pass over a queue, in which each message is met once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from blackcat.application.events import EventLog
from blackcat.application.ports import Queue, Visibility
from blackcat.domain.message import MAX_PER_RECEIVE, Message
from blackcat.errors import RemoteError

log = EventLog(__name__)

# Enough to send and delete ten messages with retries; SQS's own default, so most queues need no extension.
# A run that is killed leaves what it held hidden for that long.
HOLD = timedelta(seconds=30)
# A poll that waits asks all of SQS's servers; one that does not may miss messages.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-short-and-long-polling.html
PATIENCE = timedelta(seconds=1)
# Receives in a row that bring nothing new: the queue gives the same messages again and again.
_FRUITLESS = 20


class Sweep:
    """Meets each message that a queue held at ``started_at``, and holds it until the end.

    What was sent later is passed over, and so are ``ours``: a message that is redriven and fails at
    once is not met again. ``later`` counts them. ``expected`` is how many the queue says it holds.
    """

    def __init__(
        self,
        queue: Queue,
        *,
        expected: int,
        visibility: timedelta,
        started_at: datetime,
        patience: timedelta = PATIENCE,
    ) -> None:
        self._queue = queue
        self._expected = expected
        self._extends = visibility < HOLD
        self._started_at = started_at
        self._patience = patience
        self._met: set[str] = set()
        self._ours: set[str] = set()
        self._held: dict[str, str] = {}
        self.later = 0

    def batches(self, *, size: int = MAX_PER_RECEIVE) -> Iterator[Sequence[Message]]:
        """Up to ``size`` messages at a time (1 to 10), until the queue gives no more."""
        fruitless = 0
        while fruitless < _FRUITLESS:
            received = self._queue.receive(limit=size, wait=self._wait())
            if not received:
                return
            self._hold(received)
            fresh = [message for message in received if self._is_met_first(message)]
            fruitless = 0 if fresh else fruitless + 1
            if fresh:
                yield fresh

    def receipts(self, messages: Iterable[Message]) -> list[str]:
        """The newest receipt of each: one whose hold ran out may have been received again."""
        return [self._held.get(message.id, message.receipt) for message in messages]

    def gone(self, ids: Iterable[str]) -> None:
        """These were deleted: there is nothing to release."""
        for message_id in ids:
            self._held.pop(message_id, None)

    def ours(self, ids: Iterable[str]) -> None:
        """These were sent by this run."""
        self._ours.update(ids)

    def release(self) -> None:
        """Give back at once all that is held, the last received first."""
        receipts = list(reversed(self._held.values()))
        self._held.clear()
        try:
            if receipts:
                self._queue.release(receipts)
        except RemoteError as error:
            log.warning("messages.not_released", error=error, visible_in_seconds=HOLD.total_seconds())

    def _wait(self) -> timedelta:
        # The last poll, which finds nothing, need not wait. A queue that looks empty is asked thoroughly:
        # its count lags behind.
        return timedelta(0) if self._met and len(self._met) >= self._expected else self._patience

    def _hold(self, received: Sequence[Message]) -> None:
        self._held.update((message.id, message.receipt) for message in received)
        if self._extends:
            self._queue.extend([Visibility(message.receipt, HOLD) for message in received])

    def _is_met_first(self, message: Message) -> bool:
        if message.id in self._met:
            return False
        self._met.add(message.id)
        if message.id in self._ours or (message.sent_at and message.sent_at > self._started_at):
            self.later += 1
            return False
        return True


@contextmanager
def swept(
    queue: Queue,
    *,
    expected: int,
    visibility: timedelta,
    started_at: datetime,
    patience: timedelta = PATIENCE,
) -> Iterator[Sweep]:
    """A Sweep that releases what it still holds at the end, also after an error."""
    sweep = Sweep(queue, expected=expected, visibility=visibility, started_at=started_at, patience=patience)
    try:
        yield sweep
    finally:
        sweep.release()
