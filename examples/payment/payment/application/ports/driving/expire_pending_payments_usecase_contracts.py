"""A driving port: what the outside may ask of the application, and in which words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class ExpirePendingPaymentsUseCase(Protocol):
    def execute(self, *, stopping: Callable[[], bool] = ...) -> int:
        """Expire every payment that has been pending for too long; returns how many.

        ``stopping`` tells that it is time to leave the rest to the next run.
        """
        ...
