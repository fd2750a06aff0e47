"""The threads that handle messages."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from threading import Condition

from blackcat.application.ports import Clock
from blackcat.application.threads import Threads
from blackcat.domain.message import Message

Lane = Sequence[Message]
"""Messages to handle one after the other: one alone, or those of a FIFO group in their order."""


class Workers:
    """A fixed number of threads, each taking one lane at a time."""

    def __init__(self, *, count: int, handle: Callable[[Lane], None], threads: Threads, clock: Clock) -> None:
        self._count = count
        self._handle = handle
        self._threads = threads
        self._clock = clock
        self._lanes: deque[Lane] = deque()
        self._closed = False
        self._changed = Condition()
        self._running: dict[int, tuple[float, Lane]] = {}

    def start(self) -> None:
        for number in range(self._count):
            self._threads.start(f"handler-{number}", partial(self._work, number))

    def submit(self, lanes: Sequence[Lane]) -> Sequence[Lane]:
        """Hand over lanes; returns them when it is too late."""
        with self._changed:
            if self._closed:
                return lanes
            self._lanes.extend(lanes)
            # One wakes the next while there is work: trivial handlers stay in one thread, slow ones spread.
            self._changed.notify()
            return ()

    def close(self) -> list[Lane]:
        """Take no more; returns the lanes that were not begun."""
        with self._changed:
            self._closed = True
            unbegun = list(self._lanes)
            self._lanes.clear()
            self._changed.notify_all()
            return unbegun

    def wait(self, timeout: float) -> bool:
        """After ``close``: wait until every running lane is done; False when time ran out."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._running, timeout)

    def running(self) -> list[tuple[float, Lane]]:
        """The lanes in their handlers, with the monotonic time each began."""
        with self._changed:
            return list(self._running.values())

    def _work(self, number: int) -> None:
        while (lane := self._next(number)) is not None:
            try:
                self._handle(lane)
            finally:
                self._done(number)

    def _next(self, number: int) -> Lane | None:
        with self._changed:
            self._changed.wait_for(lambda: self._lanes or self._closed)
            if not self._lanes:
                return None
            lane = self._lanes.popleft()
            self._running[number] = (self._clock.monotonic(), lane)
            if self._lanes:
                self._changed.notify()
            return lane

    def _done(self, number: int) -> None:
        with self._changed:
            del self._running[number]
            if self._closed:
                self._changed.notify_all()
