"""Who has which connection, and for how long."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from blackcat.application.moment import Moment
from blackcat.application.ports import Clock
from blackcat.arbok.limits import PoolLimits
from blackcat.errors import PoolExhausted

_OUR_FOLDER = str(Path(__file__).parent)
_CONTEXTLIB = contextmanager.__code__.co_filename


@dataclass(frozen=True, eq=False)
class _Lease:
    thread: threading.Thread  # its number may be another thread's later
    place: str
    since: Moment


class _Turn:
    """What one waits for in the queue."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def came(self, seconds: float) -> bool:
        return self._lock.acquire(timeout=seconds)

    def comes(self) -> None:
        self._lock.release()


class Leases:
    """As many at once as the pool has connections, first come, first served. Safe to share between threads.

    There is no lock, only collections whose every step is atomic: the garbage collector may end a block, of
    a generator that nobody reads on, in a thread that is in the midst of any of this.
    """

    def __init__(self, name: str, limits: PoolLimits, clock: Clock) -> None:
        self._name = name
        self._limits = limits
        self._clock = clock
        self.forget()

    def forget(self) -> None:
        """In a forked child: what the parent's threads hold is not held here."""
        self._free = deque(range(self._limits.size))
        self._queue: deque[_Turn] = deque()
        self._held: list[_Lease] = []

    @property
    def waiting(self) -> int:
        """How many threads are in the queue."""
        return len(self._queue)

    @contextmanager
    def held(self) -> Iterator[None]:
        """One of them, for the block. Raises PoolExhausted when its turn did not come within ``wait``.

        A thread that holds all of them itself does not wait: nobody else could give one back.
        """
        lease = self._taken()
        try:
            yield
        finally:
            with contextlib.suppress(ValueError):  # it is not held in a forked child
                self._held.remove(lease)
                self._give_back()

    def _taken(self) -> _Lease:
        thread = threading.current_thread()
        alone = self._all_are_of(thread)
        wait = 0.0 if alone else self._limits.wait.total_seconds()
        if not self._got_one(wait):
            raise self._exhausted("this thread has them all" if alone else f"none came back in {wait:g} s")
        lease = _Lease(thread, _place(), Moment.now(self._clock))
        self._held.append(lease)
        return lease

    def _all_are_of(self, thread: threading.Thread) -> bool:
        return [lease.thread for lease in self._held] == [thread] * self._limits.size

    def _got_one(self, seconds: float) -> bool:
        turn = _Turn()
        self._queue.append(turn)
        try:
            self._serve()
            return turn.came(seconds) or not self._left(turn)
        except BaseException:  # a signal's, while it waited
            if not self._left(turn):
                self._give_back()
            raise

    def _left(self, turn: _Turn) -> bool:
        """Take it out of the queue; False when it came at the last moment."""
        try:
            self._queue.remove(turn)
        except ValueError:
            return False
        return True

    def _give_back(self) -> None:
        self._free.append(0)
        self._serve()

    def _serve(self) -> None:
        """Whoever waits for longest gets what is free."""
        while self._queue:
            try:
                free = self._free.pop()
            except IndexError:
                return  # who gives one back, or has one in hand here, looks at the queue after it
            try:
                turn = self._queue.popleft()
            except IndexError:
                self._free.append(free)
            else:
                turn.comes()

    def _exhausted(self, why: str) -> PoolExhausted:
        now, held = Moment.now(self._clock), list(self._held)
        holders = ", ".join(
            f"{lease.thread.name} in {lease.place} for {(now - lease.since).total_seconds():.1f} s"
            for lease in held
        )
        return PoolExhausted(
            f"no connection is free, {why}: {len(held)} of {self._limits.size} are in use by {holders}; "
            f"{self.waiting} more wait; give them back sooner, or raise PoolLimits.size",
            service="pool",
            resource=self._name,
        )


def _place() -> str:
    """The line that borrows: the nearest one outside of the pool."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and _is_ours(frame.f_code.co_filename):
        frame = frame.f_back
    if frame is None:
        return "an unknown place"
    return f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"


def _is_ours(file: str) -> bool:
    return file == _CONTEXTLIB or os.path.dirname(file) == _OUR_FOLDER  # noqa: PTH120 - at every borrowing
