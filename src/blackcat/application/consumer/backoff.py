"""Backing off from calls that keep failing."""

from __future__ import annotations

from datetime import timedelta
from random import Random

from blackcat.application.ports import Clock
from blackcat.domain.retry import RetryPolicy

# How long calls may fail before a probe is told.
_GRACE_SECONDS = 20.0

_DELAYS = RetryPolicy(base=timedelta(seconds=0.2), longest=timedelta(seconds=5))


class Backoff:
    """When a call that failed may be made again: exponentially later, with jitter."""

    def __init__(self, *, clock: Clock, random: Random) -> None:
        self._clock = clock
        self._random = random
        self._failures = 0
        self._failing_since: float | None = None
        self._until = 0.0

    def failed(self) -> None:
        now = self._clock.monotonic()
        self._failures += 1
        if self._failing_since is None:
            self._failing_since = now
        self._until = now + _DELAYS.delay(self._failures, self._random).total_seconds()

    def succeeded(self) -> None:
        self._failures = 0
        self._failing_since = None
        self._until = 0.0

    def over(self) -> bool:
        return self.left() == 0.0

    def left(self) -> float:
        """Seconds until the next try."""
        return max(0.0, self._until - self._clock.monotonic()) if self._failures else 0.0

    def problems(self, now: float, what: str) -> list[str]:
        """Says ``what`` for how long, once that is long."""
        since = self._failing_since
        if since is None or now - since <= _GRACE_SECONDS:
            return []
        return [f"{what} for {now - since:.0f} seconds"]
