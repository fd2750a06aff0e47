"""When a service stops asking for work, because what it depends on is down."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from blackcat.errors import InvalidDeclaration


@dataclass(frozen=True)
class CircuitBreaker:
    """After ``failures`` in a row polling pauses for ``pause``; then one message is tried.

    Messages stay in their queue meanwhile and lose no attempt. Its handling decides whether polling
    goes on or pauses again. Raises InvalidDeclaration.
    """

    failures: int = 10
    pause: timedelta = timedelta(seconds=30)

    def __post_init__(self) -> None:
        if not isinstance(self.failures, int) or not isinstance(self.pause, timedelta):
            raise InvalidDeclaration("CircuitBreaker: failures is a number, and pause a timedelta")
        if self.failures < 1 or self.pause <= timedelta(0):
            raise InvalidDeclaration("CircuitBreaker: failures must be 1 or more, and pause positive")
