"""Permits: how many more messages may be taken in."""

from __future__ import annotations

from threading import Condition, Lock

# How long a poll waits for more permits once there is one: fast handlers free ten within it, so that
# one call fetches ten messages; slow ones lose next to nothing.
_GATHERING_SECONDS = 0.01


class Permits:
    """One permit for each message that can start now; a poll takes its permits before it asks.

    So nothing is received that would wait in memory while its visibility timeout runs.
    """

    def __init__(self, total: int) -> None:
        self._total = total
        self._free = total
        self._closed = False
        self._changed = Condition()
        # Pollers take turns: one gathers ten permits, instead of two sharing them.
        self._turn = Lock()
        self._wanted = 1

    @property
    def free(self) -> int:
        return self._free

    def take(self, most: int) -> int:
        """Between 1 and ``most`` permits, soon after one is free; 0 once closed."""
        with self._turn, self._changed:
            self._wait_for(1, None)
            self._wait_for(min(most, self._total), _GATHERING_SECONDS)
            if self._closed:
                return 0
            taken = min(most, self._free)
            self._free -= taken
            return taken

    def give_back(self, count: int) -> None:
        if count:
            with self._changed:
                self._free += count
                if self._free >= self._wanted:
                    self._changed.notify()  # pollers take turns: one waits here at most

    def close(self) -> None:
        """No permit is given any more; whoever waits for one gets none."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _wait_for(self, wanted: int, timeout: float | None) -> None:
        # Waking the poller for each single permit would cost more than the handlers themselves.
        self._wanted = wanted
        self._changed.wait_for(lambda: self._free >= wanted or self._closed, timeout)
