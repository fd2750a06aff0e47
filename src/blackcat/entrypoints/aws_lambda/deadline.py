"""How much of an invocation's time is left for work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

# What the end of an invocation may take: settling what failed, sending logs, metrics and traces.
RESERVE_SECONDS = 1.5
# Of a function with a short timeout, no more than this share.
_RESERVE_SHARE = 0.2
# What an answer may wait for others once the work is over: as long, and this share of what is then left.
_ENDING_SECONDS = 2.0
_ENDING_SHARE = 0.5


class Deadline:
    """The time until work must be over: the function's timeout less a reserve for the end.

    The reserve is 1.5 seconds, and a fifth of what was left at first where that is less.
    """

    def __init__(self, left: Callable[[], float], *, reserve: float = RESERVE_SECONDS) -> None:
        self._left = left
        self._reserve = min(reserve, left() * _RESERVE_SHARE)

    def remaining(self) -> float:
        """Seconds that are left for work; 0 when it must be over."""
        return max(0.0, self._left() - self._reserve)

    def ending(self) -> float:
        """Seconds that the end may wait for others before the answer has to be given."""
        return max(0.0, min(_ENDING_SECONDS, self._left() * _ENDING_SHARE))

    def allows(self, seconds: float = 0.0) -> bool:
        """Whether something that takes so long may be begun."""
        return self.remaining() > seconds


def deadline_of(context: Any, *, reserve: float = RESERVE_SECONDS) -> Deadline:
    """The deadline that an invocation's context tells.

    https://docs.aws.amazon.com/lambda/latest/dg/python-context.html
    """
    remaining: Callable[[], int] = context.get_remaining_time_in_millis
    return Deadline(lambda: remaining() / 1000, reserve=reserve)
