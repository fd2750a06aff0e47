"""The threads that handle messages."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from threading import Condition, get_ident

from blackcat.application.consumer.smoothed import Smoothed
from blackcat.application.ports import Clock
from blackcat.application.threads import Threads
from blackcat.domain.message import Message

# Below this per message, to wake another thread costs more than the message.
_QUICK_SECONDS = 0.0003
# How long a thread stands by while a poller handles: the delay of the others when a handler turns slow.
_PATIENCE_SECONDS = 0.01
# How long messages are spread over the threads before pollers may try again.
_SPREAD_SECONDS = 1.0


class Lane:
    """Messages to handle one after the other: one alone, or those of a FIFO group in their order."""

    __slots__ = ("group", "waiting")

    def __init__(self, messages: Sequence[Message], group: str | None = None) -> None:
        self.waiting = deque(messages)
        self.group = group


class HandlerThreads:
    """A fixed number of threads, each working through one lane at a time; a group has one lane.

    Handlers that are quick run in the thread of the poller that brought their messages (``help``): so they
    do not pay for threads that hand the interpreter to each other. One idle thread stands by, and as soon
    as a handler is not quick, the lanes are spread over all. ``on_slow`` follows when the poller is stuck.
    """

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
        self._kept = False
        self._spread_until = 0.0
        self._usual = Smoothed()
        self._standing_by = False
        self._taken = 0
        self._running: dict[int, float] = {}
        self._busy = 0
        self._on_leftover: Callable[[Sequence[Message]], None] = lambda messages: None
        self._on_lane_done: Callable[[], None] = lambda: None
        self._on_slow: Callable[[], None] = lambda: None

    def start(
        self,
        *,
        on_leftover: Callable[[Sequence[Message]], None],
        on_lane_done: Callable[[], None],
        on_slow: Callable[[], None],
    ) -> None:
        """``on_leftover`` gets what a lane will not handle any more; ``on_lane_done`` follows each lane."""
        self._on_leftover = on_leftover
        self._on_lane_done = on_lane_done
        self._on_slow = on_slow
        for number in range(self._count):
            self._threads.start(f"handler-{number}", self._work)

    def submit(self, lanes: Sequence[Lane], *, helped: bool) -> tuple[int, list[Message]]:
        """Hand over lanes; how many joined a running one, and the messages for which it is too late.

        ``helped`` announces a call of ``help``.
        """
        with self._changed:
            if self._closed:
                return 0, [message for lane in lanes for message in lane.waiting]
            fresh = [lane for lane in lanes if not self._joined(lane)]
            self._lanes.extend(fresh)
            self._kept = helped and self._may_keep()
            # One wakes the next while there is work.
            if fresh and not (self._kept and self._standing_by):
                self._changed.notify()
            return len(lanes) - len(fresh), []

    def help(self) -> None:
        """Handle what waits in the caller's thread, while handlers are quick."""
        while (lane := self._kept_lane()) is not None:
            self._handle_lane(lane)

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

    def _may_keep(self) -> bool:
        if self._usual.value < _QUICK_SECONDS:
            return True
        if self._clock.monotonic() < self._spread_until:
            return False
        # Threads in each other's way make any handler look slow: only a try can tell.
        self._usual.reset()
        return True

    def _spread(self) -> None:
        self._kept = False
        self._spread_until = self._clock.monotonic() + _SPREAD_SECONDS
        self._changed.notify()
        # A poller that helps may be in a slow handler by now, whoever noticed.
        self._on_slow()

    def _work(self) -> None:
        while (lane := self._next_lane()) is not None:
            self._handle_lane(lane)

    def _handle_lane(self, lane: Lane) -> None:
        try:
            self._work_through(lane)
            self._on_lane_done()
        finally:
            self._rest()

    def _work_through(self, lane: Lane) -> None:
        going_on = True
        while going_on and (message := self._next_message(lane)) is not None:
            try:
                going_on = self._handle(message)
            finally:
                self._handled()
        self._on_leftover(self._end(lane))

    def _next_lane(self) -> Lane | None:
        with self._changed:
            while not self._closed and (self._kept or not self._lanes):
                if self._kept and not self._standing_by and (self._lanes or self._busy):
                    self._stand_by()
                else:
                    self._changed.wait()
            return self._take()

    def _stand_by(self) -> None:
        """Leave the lanes to a poller for as long as it takes one after the other."""
        self._standing_by = True
        taken = -1
        while self._kept and taken != self._taken and not self._closed:
            taken = self._taken
            self._changed.wait(_PATIENCE_SECONDS)
        self._standing_by = False
        if self._kept and (self._lanes or self._busy):
            self._usual.add(_PATIENCE_SECONDS)
            self._spread()

    def _kept_lane(self) -> Lane | None:
        with self._changed:
            return self._take() if self._kept else None

    def _take(self) -> Lane | None:
        if not self._lanes:
            return None
        lane = self._lanes.popleft()
        self._taken += 1
        self._busy += 1
        if self._lanes and not self._kept:
            self._changed.notify()
        return lane

    def _next_message(self, lane: Lane) -> Message | None:
        with self._changed:
            if self._closed:
                return None
            if not lane.waiting:
                self._forget(lane)  # under the same lock: whatever comes next makes a lane of its own
                return None
            self._running[get_ident()] = self._clock.monotonic()
            return lane.waiting.popleft()

    def _handled(self) -> None:
        with self._changed:
            self._usual.add(self._clock.monotonic() - self._running.pop(get_ident()))
            if self._kept and self._usual.value >= _QUICK_SECONDS:
                self._spread()

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
