"""The circuit breaker: polling pauses while what the handlers depend on is down."""

from __future__ import annotations

from threading import Lock

from blackcat.application.events import EventLog
from blackcat.application.ports import Clock
from blackcat.domain.circuit import CircuitBreaker
from blackcat.domain.message import MAX_PER_RECEIVE
from blackcat.domain.outcome import Handled, Outcome, Retried, Retry

log = EventLog("blackcat.consumer")


class Breaker:
    """How many messages a poll may take: ten, none while the circuit is open, one to try it.

    Counts failures in a row: handlers that raised. What a handler decided itself (``Retry``,
    ``Reject``) says nothing about what it depends on: it neither opens the circuit nor closes it.
    Without a policy the circuit never opens.
    """

    def __init__(self, *, policy: CircuitBreaker | None, clock: Clock) -> None:
        self._policy = policy
        self._clock = clock
        self._lock = Lock()
        self._failures = 0
        self._open_until: float | None = None

    def limit(self) -> int:
        if self._open_until is None:
            return MAX_PER_RECEIVE
        with self._lock:
            if self._open_until is None:
                return MAX_PER_RECEIVE
            return 0 if self._clock.monotonic() < self._open_until else 1

    def received(self, count: int) -> None:
        """Messages came in; while the circuit is open they are the trial.

        A trial that comes to nothing (its lease ran out, its handler says nothing) is followed by another
        after the pause.
        """
        with self._lock:
            if self._policy and self._open_until is not None and count:
                self._open_until = self._clock.monotonic() + self._policy.pause.total_seconds()

    def record(self, outcome: Outcome) -> None:
        """Learn from an outcome."""
        if self._policy is None:
            return
        with self._lock:
            if isinstance(outcome, Handled):
                self._close()
            elif isinstance(outcome, Retried) and not isinstance(outcome.error, Retry):
                self._failures += 1
                if self._failures >= self._policy.failures:
                    self._open(self._policy)

    def problem(self, now: float) -> str | None:
        """Why polling is paused, if it is."""
        with self._lock:
            if self._open_until is None:
                return None
            left = max(0.0, self._open_until - now)
            return f"polling is paused after {self._failures} failures in a row, next try in {left:.0f} s"

    def _open(self, policy: CircuitBreaker) -> None:
        opened = self._open_until is None
        self._open_until = self._clock.monotonic() + policy.pause.total_seconds()
        if opened:
            log.warning("circuit.opened", failures=self._failures, pause_seconds=policy.pause.total_seconds())

    def _close(self) -> None:
        if self._open_until is not None:
            log.info("circuit.closed", failures=self._failures)
        self._failures = 0
        self._open_until = None
