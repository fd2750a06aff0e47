"""The request to stop, and the time that is left from then on."""

from __future__ import annotations

from datetime import timedelta
from queue import Empty, SimpleQueue
from threading import Event

from blackcat.application.ports import Clock


class Shutdown:
    """Passes a request to stop from a signal handler, or a failed thread, to all who must know.

    ``request`` may be called from a signal handler: it takes no lock that the interrupted code could
    hold (``SimpleQueue.put`` is reentrant, ``Event.set`` is not). The main thread waits in ``wait``,
    and everybody else on ``requested``, which the main thread sets. ``budget`` starts with the request.
    """

    def __init__(self, *, budget: timedelta, clock: Clock) -> None:
        self.requested = Event()
        self.reason = ""
        self.failure: BaseException | None = None
        self._requests: SimpleQueue[str] = SimpleQueue()
        self._budget = budget.total_seconds()
        self._clock = clock
        self._deadline: float | None = None

    def request(self, reason: str, *, failure: BaseException | None = None) -> None:
        """Ask to stop; a ``failure`` makes the process end with status 1."""
        if failure:
            self.failure = failure
        self._requests.put(reason)

    def wait(self, timeout: float | None = None) -> bool:
        """In the main thread: wait for a request, up to ``timeout`` seconds; True once there is one."""
        if self.requested.is_set():
            return True
        try:
            self.reason = self._requests.get(timeout=timeout)
        except Empty:
            return False
        self._deadline = self._clock.monotonic() + self._budget
        self.requested.set()
        return True

    def remaining(self) -> float:
        """Seconds of the budget that are left; all of it before the request."""
        if self._deadline is None:
            return self._budget
        return max(0.0, self._deadline - self._clock.monotonic())
