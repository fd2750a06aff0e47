"""The acknowledger: deletes what was handled, ten messages per call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from threading import Condition, Lock

from blackcat.application.consumer.backoff import Backoff
from blackcat.application.consumer.leases import LeaseBook
from blackcat.application.events import EventLog
from blackcat.application.ports import BatchFailure, Clock, Queue
from blackcat.domain.message import Message
from blackcat.errors import RemoteError

log = EventLog("blackcat.consumer")

# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteMessageBatch.html
BATCH_SIZE = 10
# Long enough to fill batches under load, far below any visibility timeout.
LONGEST_WAIT = 0.1
# A clock that a test moves is looked at this often.
_TICK_SECONDS = 0.05


class Acknowledger:
    """Handled messages wait here for each other, so that one call deletes ten.

    A delete that fails is tried again for as long as the message's lease is held: a message that was
    handled must not come back because of a moment's trouble.
    """

    def __init__(self, *, queue: Queue, leases: LeaseBook, clock: Clock, random: Random) -> None:
        self._queue = queue
        self._leases = leases
        self._clock = clock
        self._backoff = Backoff(clock=clock, random=random)
        self._waiting: list[Message] = []
        self._since = 0.0
        self._in_flight = 0
        self._closed = False
        self._resting = False
        lock = Lock()
        self._changed = Condition(lock)
        self._settled = Condition(lock)

    def add(self, message: Message) -> None:
        """Delete it soon; the call that fills a batch carries it out."""
        with self._changed:
            if not self._waiting:
                self._since = self._clock.monotonic()
                self._wake()
            self._waiting.append(message)
            full = len(self._waiting) >= BATCH_SIZE and self._backoff.over()
            batch = self._take() if full else []
        self._delete(batch)

    def run(self) -> None:
        """Delete what has waited long enough, until closed."""
        while not self._closed:
            with self._changed:
                self._rest()
                batch = self._take() if self._is_due() else []
            self._delete(batch)

    def drain(self, remaining: Callable[[], float]) -> bool:
        """Delete everything now, failed deletes again while there is time; whether all are deleted."""
        while remaining() > 0:
            with self._changed:
                if not self._waiting and not self._in_flight:
                    return True
                batch = self._take() if self._backoff.over() else []
                if not batch:
                    self._settled.wait(min(_TICK_SECONDS, remaining()))
            self._delete(batch)
        return False

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()

    def pending(self) -> set[str]:
        """The receipts of what is handled and not deleted yet."""
        with self._changed:
            return {message.receipt for message in self._waiting}

    def problems(self, now: float) -> list[str]:
        return self._backoff.problems(now, "handled messages have not been deleted")

    def _rest(self) -> None:
        # While messages come it looks by itself: to wake it for each batch would cost more than its work.
        if self._closed:
            return
        self._resting = not self._waiting
        self._changed.wait(None if self._resting else self._pause())
        self._resting = False

    def _wake(self) -> None:
        if self._resting:
            self._changed.notify()

    def _pause(self) -> float:
        until_due = self._since + LONGEST_WAIT - self._clock.monotonic()
        return min(max(until_due, self._backoff.left(), 0.001), _TICK_SECONDS)

    def _is_due(self) -> bool:
        waited = self._clock.monotonic() >= self._since + LONGEST_WAIT
        return bool(self._waiting) and (waited or len(self._waiting) >= BATCH_SIZE) and self._backoff.over()

    def _take(self) -> list[Message]:
        taken, self._waiting = self._waiting[:BATCH_SIZE], self._waiting[BATCH_SIZE:]
        self._in_flight += bool(taken)
        return taken

    def _delete(self, batch: Sequence[Message]) -> None:
        if not batch:
            return
        receipts = [message.receipt for message in batch]
        self._leases.begin_delete(receipts)
        again: list[Message] = []
        try:
            result = self._queue.delete(receipts)
        except RemoteError as error:
            log.warning("messages.delete_failed", error=error, count=len(batch))
            again = list(batch)
        else:
            again = self._refused([(batch[failure.index], failure) for failure in result.failed])
        finally:
            self._settle(batch, again)

    def _refused(self, refused: Sequence[tuple[Message, BatchFailure]]) -> list[Message]:
        """Those that may be tried again."""
        for message, failure in refused:
            write = log.warning if failure.transient else log.error
            write("message.not_deleted", message_id=message.id, code=failure.code, reason=failure.reason)
        return [message for message, failure in refused if failure.transient]

    def _settle(self, batch: Sequence[Message], again: Sequence[Message]) -> None:
        failed = {message.receipt for message in again}
        self._leases.end_delete(
            done=[message.receipt for message in batch if message.receipt not in failed], failed=failed
        )
        with self._changed:
            self._in_flight -= 1
            self._waiting.extend(message for message in again if message.lease.held)
            # What is no longer held is another receiver's: nothing fails any more.
            if again and self._waiting:
                self._backoff.failed()
                self._wake()
            else:
                self._backoff.succeeded()
            self._settled.notify_all()
