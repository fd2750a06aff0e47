"""How much time has passed, also while the process stood still."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from blackcat.application.ports import Clock


@dataclass(frozen=True)
class Moment:
    """A time by both clocks of the machine.

    While a machine is suspended its monotonic clock stands still on Linux, and the date does not; the date
    may be set back, and the monotonic clock is not. The one that saw more of it is right.
    """

    date: datetime
    monotonic: float

    @classmethod
    def now(cls, clock: Clock) -> Moment:
        return cls(clock.now(), clock.monotonic())

    def __sub__(self, earlier: Moment) -> timedelta:
        ticked = timedelta(seconds=self.monotonic - earlier.monotonic)
        return max(ticked, self.date - earlier.date)
