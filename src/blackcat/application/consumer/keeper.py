"""The keeper: extends leases before they run out, and tells the handlers of those that did."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from threading import Event

from blackcat.application.consumer.backoff import Backoff
from blackcat.application.consumer.followers import Followers
from blackcat.application.consumer.leases import LeaseBook
from blackcat.application.events import EventLog
from blackcat.application.ports import BatchFailure, Clock, Queue, Visibility
from blackcat.domain.message import Message
from blackcat.errors import RemoteError

log = EventLog("blackcat.consumer")

# A lease that is taken meanwhile lasts a second at least, and is due after half of it.
_LONGEST_SLEEP_SECONDS = 0.25


class Keeper:
    """Sends heartbeats for everything that is held, also while the consumer drains."""

    def __init__(
        self, *, queue: Queue, leases: LeaseBook, followers: Followers, clock: Clock, random: Random
    ) -> None:
        self._queue = queue
        self._leases = leases
        self._followers = followers
        self._clock = clock
        self._backoff = Backoff(clock=clock, random=random)
        self._closed = Event()

    def run(self) -> None:
        while not self._closed.is_set():
            self.keep()
            self._closed.wait(self._sleep())

    def close(self) -> None:
        self._closed.set()

    def keep(self) -> None:
        """Extend what is due, and give up what ran out."""
        if self._backoff.over():
            self._extend(self._leases.take_due())
        self._lost(self._leases.expired(), "its visibility timeout ran out")

    def confirmed(self, messages: Sequence[Message]) -> Sequence[Message]:
        """Those that are still ours, their leases begun anew; for an answer that was long on its way."""
        try:
            result = self._queue.extend(
                [Visibility(message.receipt, self._leases.visibility) for message in messages]
            )
        except RemoteError as error:
            log.warning("leases.not_confirmed", error=error, count=len(messages))
            return messages
        if result.failed:
            log.warning("messages.came_too_late", count=len(result.failed))
        return [messages[index] for index in sorted(result.succeeded)]

    def problems(self, now: float) -> list[str]:
        return self._backoff.problems(now, "leases have not been extended")

    def _extend(self, due: Sequence[Visibility]) -> None:
        if not due:
            # What could not be extended has run out or is settled by now: nothing fails any more.
            self._backoff.succeeded()
            return
        asked_at = self._clock.monotonic()
        try:
            result = self._queue.extend(due)
        except RemoteError as error:
            self._leases.not_extended(change.receipt for change in due)
            self._backoff.failed()
            log.warning("leases.extend_failed", error=error, count=len(due))
            return
        extended = self._leases.extended([due[index] for index in result.succeeded], asked_at)
        self._followers.tell(extended)
        self._refused([(due[failure.index].receipt, failure) for failure in result.failed])

    def _refused(self, refused: Sequence[tuple[str, BatchFailure]]) -> None:
        self._leases.not_extended(receipt for receipt, _ in refused)
        transient = [failure for _, failure in refused if failure.transient]
        if transient:
            self._backoff.failed()
            log.warning("leases.extend_failed", count=len(transient), code=transient[0].code)
        else:
            self._backoff.succeeded()
        for receipt, failure in refused:
            if not failure.transient:
                self._lost([receipt], failure.reason or failure.code)

    def _lost(self, receipts: Sequence[str], why: str) -> None:
        for message in self._leases.lose(receipts):
            log.warning("message.lease_lost", message_id=message.id, reason=why)

    def _sleep(self) -> float:
        due = self._leases.next_due()
        if due is None:
            return _LONGEST_SLEEP_SECONDS
        return min(max(due - self._clock.monotonic(), 0.01), _LONGEST_SLEEP_SECONDS)
