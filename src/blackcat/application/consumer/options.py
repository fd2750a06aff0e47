"""How a consumer works."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from blackcat.domain.circuit import CircuitBreaker


@dataclass(frozen=True)
class ConsumerOptions:
    """Handlers at once, the long poll (up to 20 seconds), the longest lease (up to 12 hours).

    ``rate_limit`` is in messages per second. With metrics, the queue's depth is asked for once in
    ``measure_every``.
    """

    concurrency: int = 20
    wait: timedelta = timedelta(seconds=10)
    max_handling: timedelta = timedelta(minutes=15)
    rate_limit: float | None = None
    circuit_breaker: CircuitBreaker | None = None
    measure_every: timedelta = timedelta(minutes=1)
