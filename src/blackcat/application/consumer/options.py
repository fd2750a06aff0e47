"""How a consumer works."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class ConsumerOptions:
    """Handlers at once, the long poll (up to 20 seconds), and the longest lease (up to 12 hours)."""

    concurrency: int = 10
    wait: timedelta = timedelta(seconds=10)
    max_handling: timedelta = timedelta(minutes=15)
