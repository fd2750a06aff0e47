"""A health report: what a probe is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class HealthReport:
    """Whether a process does its work: healthy when there is no reason why not.

    ``degraded`` tells what it does less of on purpose; a probe is still answered with 200, since a
    restart would not help. ``details`` are the measurements behind the verdict: numbers and short
    texts, never secrets.
    """

    service: str
    reasons: tuple[str, ...] = ()
    degraded: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def healthy(self) -> bool:
        return not self.reasons

    @property
    def status(self) -> str:
        if not self.healthy:
            return "unhealthy"
        return "degraded" if self.degraded else "healthy"

    @property
    def status_code(self) -> int:
        """The HTTP status for a probe: 200, or 503."""
        return 200 if self.healthy else 503

    def as_json(self) -> dict[str, Any]:
        return {
            "service": self.service,
            "status": self.status,
            "reasons": [*self.reasons, *self.degraded],
            **self.details,
        }
