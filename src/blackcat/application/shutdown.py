"""The request to stop, and the time that is left from then on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from queue import Empty, SimpleQueue
from threading import Event

from blackcat.application.ports import Clock

# A signal may reach another thread of the process (after SIGCONT, say); its handler runs in the main
# thread, once that wakes up.
_LOOK_SECONDS = 1.0


class Shutdown:
    """Passes a request to stop from a signal handler, or a failed thread, to all who must know.

    ``request`` may be called from a signal handler, which runs in the main thread: the main thread
    therefore never waits on ``requested``, whose lock it would hold, but in ``watch``, on a queue
    that is reentrant. Every other thread waits on ``requested``. The budget starts with the request.
    """

    def __init__(self, *, budget: timedelta, clock: Clock) -> None:
        self.requested = Event()
        self.reason = ""
        self.failure: BaseException | None = None
        self._changes: SimpleQueue[None] = SimpleQueue()
        self._budget = budget.total_seconds()
        self._clock = clock
        self._deadline: float | None = None

    def request(self, reason: str, *, failure: BaseException | None = None) -> None:
        """Ask to stop; a ``failure`` makes the process end with status 1."""
        if failure is not None:
            self.failure = failure
        if failure is not None or self._deadline is None:
            self.reason = reason
        if self._deadline is None:
            self._deadline = self._clock.monotonic() + self._budget
        self.requested.set()
        self.wake()

    def wake(self) -> None:
        """Let the main thread look again whether the service has ended."""
        self._changes.put(None)

    def watch(self, ended: Callable[[], bool]) -> bool:
        """In the main thread: wait until the service has ended; False when the budget ran out before."""
        while not ended():
            left = self.remaining() if self.requested.is_set() else None
            if left == 0.0:
                return False
            try:
                self._changes.get(timeout=_LOOK_SECONDS if left is None else min(left, _LOOK_SECONDS))
            except Empty:
                continue
        return True

    def remaining(self) -> float:
        """Seconds of the budget that are left; all of it before the request."""
        if self._deadline is None:
            return self._budget
        return max(0.0, self._deadline - self._clock.monotonic())
