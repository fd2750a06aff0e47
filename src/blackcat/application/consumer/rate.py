"""The rate limit: how many messages a service takes in per second."""

from __future__ import annotations

from threading import Event, Lock

from blackcat.application.ports import Clock

# How often a poller that has to wait looks again, so that a stop is seen soon.
_LONGEST_WAIT_SECONDS = 0.1
# One call for what comes free within it, instead of one call for each message.
_GATHERING_SECONDS = 0.2


class RateLimiter:
    """A bucket of one second's messages, filled steadily; without a rate everything is allowed."""

    def __init__(self, *, per_second: float | None, clock: Clock) -> None:
        self._per_second = per_second
        self._clock = clock
        self._lock = Lock()
        self._capacity = max(per_second or 0.0, 1.0)
        self._tokens = self._capacity
        self._filled_at = clock.monotonic()

    def take(self, most: int, stopping: Event) -> int:
        """Between 1 and ``most``, as soon as the rate allows one; 0 when stopping."""
        while not stopping.is_set():
            allowed = self._try_take(most)
            if allowed:
                return allowed
            stopping.wait(min(1.0 / self._capacity, _LONGEST_WAIT_SECONDS))
        return 0

    def give_back(self, count: int) -> None:
        """What a poll did not use."""
        with self._lock:
            self._tokens = min(self._capacity, self._tokens + count)

    def _try_take(self, most: int) -> int:
        if self._per_second is None:
            return most
        with self._lock:
            now = self._clock.monotonic()
            self._tokens = min(self._capacity, self._tokens + (now - self._filled_at) * self._per_second)
            self._filled_at = now
            if self._tokens < min(most, self._capacity * _GATHERING_SECONDS):
                return 0
            taken = min(most, int(self._tokens))
            self._tokens -= taken
            return taken
