"""Settlement: what the handler decided is carried out on the queue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from random import Random
from threading import Lock

from blackcat.application.consumer.acknowledgements import Acknowledgement, Acknowledgements
from blackcat.application.consumer.dead_letters import dead_letter_copy
from blackcat.application.consumer.leases import LeaseBook
from blackcat.application.events import EventLog
from blackcat.application.ports import Clock, Queue, Visibility
from blackcat.domain.message import Message
from blackcat.domain.outcome import Handled, Outcome, Rejected, Retried
from blackcat.domain.retry import RetryPolicy
from blackcat.errors import InvalidMessage, RemoteError
from blackcat.resources import MAX_VISIBILITY

log = EventLog("blackcat.consumer")


class Settlement:
    """Deletes, delays or dead-letters messages; whatever fails here leaves the message in its queue."""

    def __init__(
        self,
        *,
        service: str,
        version: str,
        queue: Queue,
        dead_letters: Queue | None,
        leases: LeaseBook,
        retry: RetryPolicy,
        random: Random,
        clock: Clock,
        redact: Callable[[str], str],
        wake_keeper: Callable[[], None],
    ) -> None:
        self._service = service
        self._version = version
        self._queue = queue
        self._dead_letters = dead_letters
        self._leases = leases
        self._retry = retry
        self._random = random
        self._clock = clock
        self._redact = redact
        self._wake_keeper = wake_keeper
        self._acknowledgements = Acknowledgements()
        self._counts: Counter[str] = Counter(handled=0, retried=0, rejected=0, lease_lost=0)
        self._counts_lock = Lock()

    def settle(self, message: Message, outcome: Outcome) -> bool:
        """Carry out the outcome; True when the message is done, False when it will come back."""
        if not message.lease.held:
            return self._leave_to_next_receiver(message)
        if isinstance(outcome, Handled):
            self._count("handled")
            return self._acknowledge(message)
        if isinstance(outcome, Retried):
            self._count("retried")
            return self._come_back(message, outcome.after)
        self._count("rejected")
        return self._dead_letter(message, outcome)

    def release(self, messages: Sequence[Message]) -> None:
        """Give messages back at once, the last received first, so that a FIFO group keeps its order."""
        receipts = [message.receipt for message in reversed(messages)]
        if not receipts:
            return
        try:
            self._queue.release(receipts)
        except RemoteError as error:
            log.warning("messages.release_failed", error=error, count=len(receipts))
        else:
            log.info("messages.released", count=len(receipts))
        self._leases.drop(receipts)

    def flush(self, *, everything: bool = False) -> None:
        """Delete what waited long enough, or everything that waits."""
        if everything:
            self._delete(self._acknowledgements.take_all())
        else:
            self._delete(self._acknowledgements.due(self._clock.monotonic()))

    def drain(self, has_time: Callable[[], bool]) -> None:
        """Delete everything that waits, failed deletes tried again while there is time."""
        while self._acknowledgements.next_due() is not None and has_time():
            self.flush(everything=True)

    def next_flush(self) -> float | None:
        return self._acknowledgements.next_due()

    def counts(self) -> dict[str, int]:
        with self._counts_lock:
            return dict(self._counts)

    def _count(self, name: str) -> None:
        with self._counts_lock:
            self._counts[name] += 1

    def _leave_to_next_receiver(self, message: Message) -> bool:
        # It may be in another receiver's hands by now: whatever we did with it would be theirs to undo.
        self._count("lease_lost")
        log.warning("message.settled_without_lease", message_id=message.id)
        return False

    def _acknowledge(self, message: Message) -> bool:
        batch = self._acknowledgements.add(message, self._clock.monotonic())
        self._delete(batch) if batch else self._wake_keeper()
        return True

    def _delete(self, batch: Sequence[Acknowledgement]) -> None:
        if not batch:
            return
        receipts = [one.message.receipt for one in batch]
        try:
            result = self._queue.delete(receipts)
        except RemoteError as error:
            log.warning("messages.delete_failed", error=error, count=len(batch))
            self._try_again(batch)
            return
        self._leases.drop(receipts[index] for index in result.succeeded)
        if result.failed:
            codes = sorted({failure.code for failure in result.failed})
            log.warning("messages.delete_failed", count=len(result.failed), codes=codes)
            self._try_again([batch[failure.index] for failure in result.failed])

    def _try_again(self, failed: Sequence[Acknowledgement]) -> None:
        given_up = self._acknowledgements.put_back(failed, self._clock.monotonic())
        for one in given_up:
            log.error("message.not_deleted", message_id=one.message.id, attempts=one.attempt)
        self._leases.drop(one.message.receipt for one in given_up)
        self._wake_keeper()

    def _come_back(self, message: Message, after: timedelta | None) -> bool:
        delay = self._retry.delay(message.receive_count, self._random) if after is None else after
        self._hide(message, max(timedelta(0), min(delay, MAX_VISIBILITY)))
        return False

    def _hide(self, message: Message, delay: timedelta) -> None:
        try:
            result = self._queue.extend([Visibility(message.receipt, delay)])
            problems: Iterable[str] = [failure.code for failure in result.failed]
            if result.failed:
                log.warning("message.retry_not_delayed", message_id=message.id, codes=problems)
        except RemoteError as error:
            log.warning("message.retry_not_delayed", error=error, message_id=message.id)
        self._leases.drop([message.receipt])

    def _dead_letter(self, message: Message, outcome: Rejected) -> bool:
        if self._dead_letters is None:
            log.error(
                "message.rejected_without_dead_letter_queue", message_id=message.id, queue=self._queue.name
            )
            return self._come_back(message, None)
        try:
            copy = dead_letter_copy(
                message, outcome, service=self._service, version=self._version, redact=self._redact
            )
            self._dead_letters.send_batch([copy]).raise_for_failure(self._dead_letters.name)
        except (RemoteError, InvalidMessage) as error:
            log.error("message.not_dead_lettered", error=error, message_id=message.id)
            return self._come_back(message, None)
        return self._acknowledge(message)
