"""The requests that a process is serving, and how long each of them has been running."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from threading import get_ident

# A request of twice its time is not slow, but stuck: nothing that it waits for had a limit.
_STUCK_FACTOR = 2


@dataclass(frozen=True)
class StuckRequest:
    """A request that has been running for so long that nobody expects it to end."""

    request_id: str
    seconds: float
    stack: str


class RunningRequests:
    """One per process: a thread serves one request at a time, up to the start of its answer.

    A thread cannot be ended from outside. So a request is given ``timeout`` seconds, and one that runs
    twice as long is reported as stuck.
    """

    def __init__(self, timeout: float, now: Callable[[], float] = time.monotonic) -> None:
        self._timeout = timeout
        self._now = now
        self._by_thread: dict[int, tuple[float, str]] = {}

    @property
    def timeout(self) -> float:
        return self._timeout

    def give(self, timeout: float) -> None:
        """Requests that begin from now on have so many seconds."""
        self._timeout = timeout

    def begin(self, request_id: str) -> float:
        """Note that this thread serves a request from now on; returns the time, in monotonic seconds."""
        began = self._now()
        self._by_thread[get_ident()] = (began, request_id)
        return began

    def end(self) -> float:
        """Note that its answer begins; returns the seconds that it took."""
        began, _ = self._by_thread.pop(get_ident())
        return self._now() - began

    def left(self) -> float | None:
        """Seconds that this thread's request has left, negative when it is late; None outside of one."""
        found = self._by_thread.get(get_ident())
        return None if found is None else found[0] + self._timeout - self._now()

    def count(self) -> int:
        return len(self._by_thread)

    def oldest(self) -> float:
        """Seconds since the oldest request began; 0 when there is none."""
        return max((self._now() - began for began, _ in list(self._by_thread.values())), default=0.0)

    def count_longer_than(self, seconds: float) -> int:
        since = self._now() - seconds
        return sum(began < since for began, _ in list(self._by_thread.values()))

    def stuck_count(self) -> int:
        return self.count_longer_than(_STUCK_FACTOR * self._timeout)

    def stuck(self) -> list[StuckRequest]:
        """Every stuck request, with where its thread stands now."""
        frames = sys._current_frames()  # the only way to another thread's stack
        now = self._now()
        return [
            StuckRequest(request_id, now - began, "".join(traceback.format_stack(frames.get(thread))))
            for thread, (began, request_id) in list(self._by_thread.items())
            if now - began > _STUCK_FACTOR * self._timeout
        ]
