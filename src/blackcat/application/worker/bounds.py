"""What a run is held to: requests to stop, its deadline and its lease."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

from blackcat.application.events import EventLog
from blackcat.application.lock import RAN_OUT, Lease
from blackcat.application.ports import Clock
from blackcat.application.shutdown import Shutdown
from blackcat.application.worker.ended import Ended

log = EventLog("blackcat.worker")

_LONGEST_WAIT_SECONDS = 3600.0


class Bounds:
    """Asks a run that breaks them to stop, as a signal does: then it is left the shutdown budget."""

    def __init__(
        self,
        *,
        shutdown: Shutdown,
        clock: Clock,
        deadline: timedelta | None = None,
        lease: Lease | None = None,
    ) -> None:
        self.broken: Ended | None = None
        self._shutdown = shutdown
        self._clock = clock
        self._deadline = deadline
        self._ends = None if deadline is None else clock.monotonic() + deadline.total_seconds()
        self._lease = lease
        self._breaking = threading.Lock()

    @property
    def stopping(self) -> bool:
        self.look()  # a process that was paused must not go on until its threads have noticed
        return self._shutdown.requested.is_set()

    @property
    def left(self) -> float | None:
        """Seconds until the run must have ended; None when there is no such time."""
        if self.stopping:
            return self._shutdown.remaining()
        return None if self._ends is None else max(0.0, self._ends - self._clock.monotonic())

    def request(self, reason: str) -> None:
        self._shutdown.request(reason)

    def wait(self, seconds: float) -> bool:
        """Wait so long, or until the request to stop; whether it came."""
        if not self.stopping:
            self._shutdown.requested.wait(min(seconds, threading.TIMEOUT_MAX))
        return self.stopping

    def look(self) -> float | None:
        """Break off what is out of bounds; seconds until the next look, None when none is needed."""
        waits = [seconds for seconds in (self._until_deadline(), self._until_lost()) if seconds is not None]
        return min(*waits, _LONGEST_WAIT_SECONDS) if waits else None

    def lost(self, reason: str) -> None:
        """The lock is no longer ours."""
        self._break(Ended.LOCK_LOST, "worker.lock_lost", "its lock was lost", reason=reason)

    def _until_deadline(self) -> float | None:
        if self._ends is None or self._shutdown.requested.is_set():
            return None
        left = self._ends - self._clock.monotonic()
        if left > 0:
            return left
        lasted = self._deadline.total_seconds() if self._deadline else 0.0
        self._break(
            Ended.DEADLINE_EXCEEDED,
            "worker.deadline_exceeded",
            "its deadline has passed",
            deadline_seconds=lasted,
        )
        return None

    def _until_lost(self) -> float | None:
        if self._lease is None or self.broken:
            return None
        if not self._lease.left:
            self.lost(RAN_OUT)
            return None
        return self._lease.left

    def _break(self, how: Ended, event: str, stop: str, **fields: Any) -> None:
        with self._breaking:
            if self.broken:
                return
            self.broken = how
        log.error(event, **fields, grace_seconds=round(self._shutdown.remaining(), 1))
        self._shutdown.request(stop)
