"""How fast messages are moved."""

from __future__ import annotations

from collections.abc import Callable

from blackcat.application.ports import Clock
from blackcat.domain.message import MAX_PER_RECEIVE

# How often a wait looks whether it was told to stop.
_SLICE_SECONDS = 0.1


class Pace:
    """Lets ``per_second`` messages through, without a burst at the beginning; None lets all through."""

    def __init__(self, *, per_second: float | None, clock: Clock, pause: Callable[[float], None]) -> None:
        self._per_second = per_second
        self._clock = clock
        self._pause = pause
        self._free_at = clock.monotonic()

    @property
    def batch(self) -> int:
        """How many to receive at once: a second's worth, so that none is held for long."""
        if self._per_second is None:
            return MAX_PER_RECEIVE
        return max(1, min(MAX_PER_RECEIVE, int(self._per_second)))

    def wait(self, stopping: Callable[[], bool]) -> bool:
        """Wait until what was ``spent`` is due; False when told to stop."""
        while not stopping():
            left = self._free_at - self._clock.monotonic()
            if left <= 0:
                return True
            self._pause(min(left, _SLICE_SECONDS))
        return False

    def spent(self, count: int) -> None:
        """So many messages have passed."""
        if self._per_second is not None:
            self._free_at = self._clock.monotonic() + count / self._per_second
