"""Settlement: what the handler decided is carried out on the queue."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from random import Random
from threading import Lock
from typing import TypeVar

from blackcat.application.consumer.dead_letters import dead_letter_copy
from blackcat.application.consumer.leases import LeaseBook
from blackcat.application.events import EventLog
from blackcat.application.ports import BatchResult, Queue, Visibility
from blackcat.domain.message import Message
from blackcat.domain.outcome import Deferred, Handled, Outcome, Rejected
from blackcat.domain.retry import RetryPolicy
from blackcat.errors import InvalidMessage, RemoteError
from blackcat.resources import MAX_VISIBILITY

log = EventLog("blackcat.consumer")

# A visibility that cannot be changed at once is tried again after these pauses, in seconds (credentials
# that expired are renewed meanwhile); then the lease runs out by itself.
_PAUSES = (0.1, 0.3, 0.6)

Entry = TypeVar("Entry")


class Settlement:
    """Acknowledges, delays or dead-letters messages; whatever fails here leaves the message in its queue."""

    def __init__(
        self,
        *,
        service: str,
        version: str,
        queue: Queue,
        dead_letters: Queue | None,
        leases: LeaseBook,
        acknowledge: Callable[[Message], None],
        retry: RetryPolicy,
        random: Random,
        redact: Callable[[str], str],
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._service = service
        self._version = version
        self._queue = queue
        self._dead_letters = dead_letters
        self._leases = leases
        self._acknowledge = acknowledge
        self._retry = retry
        self._random = random
        self._redact = redact
        self._pause = pause
        self._counts: Counter[str] = Counter(
            handled=0, retried=0, deferred=0, rejected=0, lease_lost=0, released=0
        )
        self._counts_lock = Lock()

    def settle(self, message: Message, outcome: Outcome) -> bool:
        """Carry out the outcome; True when the message is done, False when it will come back."""
        if not message.lease.held:
            return self.leave_to_next_receiver(message)
        if isinstance(outcome, Handled):
            return self._done("handled", message)
        if isinstance(outcome, Rejected):
            return self._dead_letter(message, outcome)
        self._count("deferred" if isinstance(outcome, Deferred) else "retried")
        return self._come_back(message, outcome.after)

    def leave_to_next_receiver(self, message: Message) -> bool:
        """It may be in other hands by now: whatever we did with it would be theirs to undo."""
        self._count("lease_lost")
        self._leases.lose([message.receipt])
        log.warning("message.left_without_lease", message_id=message.id)
        return False

    def release(self, messages: Sequence[Message]) -> None:
        """Give messages back at once, the last received first, so that a FIFO group keeps its order."""
        receipts = [message.receipt for message in reversed(messages)]
        if receipts:
            self._leases.drop(receipts)
            left = self._persist(self._queue.release, receipts)
            self._count("released", len(receipts) - len(left))
            write = log.warning if left else log.info
            write("messages.released", count=len(receipts) - len(left), failed=len(left))

    def counts(self) -> dict[str, int]:
        with self._counts_lock:
            return dict(self._counts)

    def _count(self, name: str, number: int = 1) -> None:
        with self._counts_lock:
            self._counts[name] += number

    def _done(self, name: str, message: Message) -> bool:
        self._count(name)
        self._acknowledge(message)
        return True

    def _come_back(self, message: Message, after: timedelta | None) -> bool:
        delay = self._retry.delay(message.receive_count, self._random) if after is None else after
        hidden = max(timedelta(0), min(delay, self._longest_delay(message)))
        self._leases.drop([message.receipt])
        self._persist(self._queue.extend, [Visibility(message.receipt, hidden)])
        return False

    def _longest_delay(self, message: Message) -> timedelta:
        # SQS counts its twelve hours from the receive and refuses what goes beyond.
        return MAX_VISIBILITY - message.lease.age() - timedelta(seconds=1)

    def _dead_letter(self, message: Message, outcome: Rejected) -> bool:
        if self._dead_letters is None:
            log.error("message.rejected_without_dead_letter_queue", message_id=message.id)
            self._count("rejected")
            return self._come_back(message, None)
        try:
            copy = dead_letter_copy(
                message, outcome, service=self._service, version=self._version, redact=self._redact
            )
            self._dead_letters.send_batch([copy]).raise_for_failure(self._dead_letters.name)
        except (RemoteError, InvalidMessage) as error:
            log.error("message.not_dead_lettered", error=error, message_id=message.id)
            self._count("retried")
            return self._come_back(message, None)
        return self._done("rejected", message)

    def _persist(self, call: Callable[[list[Entry]], BatchResult], entries: Sequence[Entry]) -> list[Entry]:
        """Change visibilities, with some patience; returns what could not be changed."""
        left, refused = list(entries), list[Entry]()
        doubted: set[Entry] = set()
        for pause in (*_PAUSES, None):
            try:
                result = call(left)
            except RemoteError as error:
                log.warning("visibility.not_changed", error=error, count=len(left))
            else:
                failed = [left[failure.index] for failure in result.failed]
                denied = {left[failure.index] for failure in result.failed if not failure.transient}
                # What is refused once may be a whole call that was, such as for credentials that expired.
                refused += [entry for entry in failed if entry in denied & doubted]
                left = [entry for entry in failed if entry not in denied & doubted]
                doubted = denied
            if not left or pause is None:
                break
            self._pause(pause)
        return left + refused
