"""Permits: how many more messages may be taken in."""

from __future__ import annotations

from threading import Condition


class Permits:
    """One permit for each message that can start now; a poll takes its permits before it asks.

    So nothing is received that would wait in memory while its visibility timeout runs.
    """

    def __init__(self, total: int) -> None:
        self._free = total
        self._closed = False
        self._changed = Condition()

    def take(self, most: int) -> int:
        """Between 1 and ``most`` permits, as soon as one is free; 0 once closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._free > 0 or self._closed)
            if self._closed:
                return 0
            taken = min(most, self._free)
            self._free -= taken
            return taken

    def give_back(self, count: int) -> None:
        if count:
            with self._changed:
                self._free += count
                self._changed.notify()

    def close(self) -> None:
        """No permit is given any more; whoever waits for one gets none."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
