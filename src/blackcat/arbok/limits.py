"""How many connections, and for how long."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import timedelta

from blackcat.errors import ConfigurationError


@dataclass(frozen=True, kw_only=True)
class PoolLimits:
    """``size`` connections per process. Raises ConfigurationError.

    Who finds all in use waits up to ``wait`` for one. A connection is closed once it was idle for longer
    than ``idle`` or is older than ``lifetime``: when the pool is next used, as no thread watches the time.
    One that was idle for ``check_after`` or longer, also because the process was frozen, is checked before
    it is lent.
    """

    size: int = 2
    wait: timedelta = timedelta(seconds=5)
    idle: timedelta = timedelta(minutes=5)
    lifetime: timedelta = timedelta(minutes=30)
    check_after: timedelta = timedelta(seconds=3)

    def __post_init__(self) -> None:
        if self.size < 1:
            raise ConfigurationError(f"PoolLimits: size is {self.size}: a pool needs at least 1 connection")
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, timedelta) and value < timedelta(0):
                raise ConfigurationError(f"PoolLimits: {field.name} is negative")
