"""A value that follows its measurements."""

from __future__ import annotations

_WEIGHT = 0.1


class Smoothed:
    """The measurements' recent average: each one moves it by a tenth of the way."""

    def __init__(self) -> None:
        self.value = 0.0

    def add(self, measured: float) -> None:
        self.value += (measured - self.value) * _WEIGHT

    def reset(self) -> None:
        self.value = 0.0
