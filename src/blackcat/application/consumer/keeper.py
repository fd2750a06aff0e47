"""The keeper: extends leases before they run out, and flushes acknowledgements that waited."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Event

from blackcat.application.consumer.leases import LeaseBook
from blackcat.application.consumer.settlement import Settlement
from blackcat.application.events import EventLog
from blackcat.application.ports import Clock, Queue, Visibility
from blackcat.errors import RemoteError

log = EventLog("blackcat.consumer")

# After a failed heartbeat; each lease leaves time for several tries.
_TRY_AGAIN_SECONDS = 1.0
# How long it may sleep without being woken: a lease taken meanwhile is never shorter than a second.
_LONGEST_SLEEP_SECONDS = 0.5


class Keeper:
    """Does what is due and sleeps until the next thing is, also while the consumer drains."""

    def __init__(self, *, queue: Queue, leases: LeaseBook, clock: Clock) -> None:
        self._queue = queue
        self._leases = leases
        self._clock = clock
        self._woken = Event()
        self._closed = False
        self._heartbeat_not_before = 0.0

    def run(self, settlement: Settlement) -> None:
        while not self._closed:
            settlement.flush()
            self.keep()
            self._woken.wait(self._sleep(settlement.next_flush()))
            self._woken.clear()

    def wake(self) -> None:
        self._woken.set()

    def close(self) -> None:
        self._closed = True
        self.wake()

    def keep(self) -> None:
        """Extend what is due, and tell the handlers whose leases ran out."""
        now = self._clock.monotonic()
        due = self._leases.due(now) if now >= self._heartbeat_not_before else []
        if due:
            self._extend(due, now)
        self._lost(self._leases.expired(self._clock.monotonic()), "its visibility timeout ran out")

    def _extend(self, due: Sequence[Visibility], now: float) -> None:
        try:
            result = self._queue.extend(due)
        except RemoteError as error:
            log.warning("leases.extend_failed", error=error, count=len(due))
            self._heartbeat_not_before = now + _TRY_AGAIN_SECONDS
            return
        self._leases.extended([due[index] for index in result.succeeded], now)
        self._lost(
            [due[failure.index].receipt for failure in result.failed if not failure.transient],
            "its receipt is no longer valid",
        )

    def _lost(self, receipts: Sequence[str], why: str) -> None:
        for message in self._leases.lose(receipts):
            log.warning("message.lease_lost", message_id=message.id, reason=why)

    def _sleep(self, next_flush: float | None) -> float:
        due = [moment for moment in (next_flush, self._leases.next_due()) if moment is not None]
        if not due:
            return _LONGEST_SLEEP_SECONDS
        earliest = max(min(due), self._heartbeat_not_before if next_flush is None else 0.0)
        return min(max(earliest - self._clock.monotonic(), 0.01), _LONGEST_SLEEP_SECONDS)
