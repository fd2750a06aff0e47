"""The threads that handle messages."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from threading import Condition

from blackcat.application.ports import Clock
from blackcat.application.threads import Threads
from blackcat.domain.message import Message


class Lane:
    """Messages to handle one after the other: one alone, or those of a FIFO group in their order."""

    __slots__ = ("group", "waiting")

    def __init__(self, messages: Sequence[Message], group: str | None = None) -> None:
        self.waiting = deque(messages)
        self.group = group


class HandlerThreads:
    """A fixed number of threads, each working through one lane at a time; a group has one lane."""

    def __init__(
        self, *, count: int, handle: Callable[[Message], bool], threads: Threads, clock: Clock
    ) -> None:
        self._count = count
        self._handle = handle
        self._threads = threads
        self._clock = clock
        self._lanes: deque[Lane] = deque()
        self._groups: dict[str, Lane] = {}
        self._closed = False
        self._changed = Condition()
        self._running: dict[int, float] = {}
        self._busy = 0
        self._on_leftover: Callable[[Sequence[Message]], None] = lambda messages: None
        self._on_lane_done: Callable[[], None] = lambda: None

    def start(
        self, *, on_leftover: Callable[[Sequence[Message]], None], on_lane_done: Callable[[], None]
    ) -> None:
        """``on_leftover`` gets what a lane will not handle any more; ``on_lane_done`` follows each lane."""
        self._on_leftover = on_leftover
        self._on_lane_done = on_lane_done
        for number in range(self._count):
            self._threads.start(f"handler-{number}", partial(self._work, number))

    def submit(self, lanes: Sequence[Lane]) -> tuple[int, list[Message]]:
        """Hand over lanes; how many joined a running one, and the messages for which it is too late."""
        with self._changed:
            if self._closed:
                return 0, [message for lane in lanes for message in lane.waiting]
            fresh = [lane for lane in lanes if not self._joined(lane)]
            self._lanes.extend(fresh)
            # One wakes the next while there is work: trivial handlers stay in one thread, slow ones spread.
            if fresh:
                self._changed.notify()
            return len(lanes) - len(fresh), []

    def close(self) -> list[Message]:
        """Take no more; returns the messages that were not begun, in the order of their receipt."""
        with self._changed:
            self._closed = True
            unbegun = [message for lane in self._lanes for message in lane.waiting]
            self._lanes.clear()
            self._changed.notify_all()
            return unbegun

    def wait(self, timeout: float) -> bool:
        """After ``close``: wait until every lane is done, its leftover too; False when time ran out."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._busy, timeout)

    def oldest(self, now: float) -> float:
        """Seconds since the longest running handler began."""
        with self._changed:
            return max((now - began for began in self._running.values()), default=0.0)

    def _joined(self, lane: Lane) -> bool:
        """A group that is at work, or waits, takes more messages into its own lane."""
        if lane.group is None:
            return False
        present = self._groups.get(lane.group)
        if present is None:
            self._groups[lane.group] = lane
            return False
        present.waiting.extend(lane.waiting)
        return True

    def _work(self, number: int) -> None:
        while (lane := self._next_lane()) is not None:
            try:
                self._work_through(lane, number)
                self._on_lane_done()
            finally:
                self._rest()

    def _work_through(self, lane: Lane, number: int) -> None:
        going_on = True
        while going_on and (message := self._next_message(lane, number)) is not None:
            try:
                going_on = self._handle(message)
            finally:
                with self._changed:
                    del self._running[number]
        self._on_leftover(self._end(lane))

    def _next_lane(self) -> Lane | None:
        with self._changed:
            self._changed.wait_for(lambda: self._lanes or self._closed)
            if not self._lanes:
                return None
            lane = self._lanes.popleft()
            self._busy += 1
            if self._lanes:
                self._changed.notify()
            return lane

    def _next_message(self, lane: Lane, number: int) -> Message | None:
        with self._changed:
            if self._closed:
                return None
            if not lane.waiting:
                self._forget(lane)  # under the same lock: whatever comes next makes a lane of its own
                return None
            self._running[number] = self._clock.monotonic()
            return lane.waiting.popleft()

    def _end(self, lane: Lane) -> list[Message]:
        with self._changed:
            leftover = list(lane.waiting)
            lane.waiting.clear()
            self._forget(lane)
            return leftover

    def _rest(self) -> None:
        with self._changed:
            self._busy -= 1
            if self._closed:
                self._changed.notify_all()

    def _forget(self, lane: Lane) -> None:
        if lane.group is not None and self._groups.get(lane.group) is lane:
            del self._groups[lane.group]
