"""A driving port: what the outside may ask of the application, and in which words."""

from __future__ import annotations

from typing import Protocol


class ExpirePendingPaymentsUseCase(Protocol):
    def execute(self) -> int:
        """Expire every payment that has been pending for too long; returns how many."""
        ...
