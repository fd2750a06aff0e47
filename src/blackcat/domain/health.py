"""What a probe is told, and the checks that a project adds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from blackcat.errors import InvalidDeclaration

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,62}")
_IMPORT_STRING = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
# A probe waits for a check: those of load balancers and orchestrators wait for five seconds or less.
_LONGEST_TIMEOUT = timedelta(seconds=30)


@dataclass(frozen=True)
class Check:
    """Something that a service needs, looked at when a probe asks whether the service is ready.

    ``entrypoint`` is a callable, a class that the container builds, or an import string of either. It
    passes by returning anything but False, and fails by raising. It runs in a thread of its own; after
    ``timeout`` (up to 30 seconds) it counts as failing. Raises InvalidDeclaration.
    """

    name: str
    entrypoint: str | Callable[..., Any]
    timeout: timedelta = timedelta(seconds=2)

    def __post_init__(self) -> None:
        problems = "; ".join(self._problems())
        if problems:
            raise InvalidDeclaration(f"check {self.name!r} {problems}")

    def _problems(self) -> Iterator[str]:
        if not isinstance(self.name, str) or not _NAME.fullmatch(self.name):
            yield "needs a name of letters, digits, '.', '-' and '_' that starts with a letter"
        if isinstance(self.entrypoint, str):
            if not _IMPORT_STRING.fullmatch(self.entrypoint):
                yield f"has the entrypoint {self.entrypoint!r}: write 'module:name'"
        elif not callable(self.entrypoint):
            yield f"has the entrypoint {self.entrypoint!r}: name a callable, 'module:name'"
        if not isinstance(self.timeout, timedelta) or not timedelta(0) < self.timeout <= _LONGEST_TIMEOUT:
            yield f"has the timeout {self.timeout!r}: give a timedelta of up to 30 seconds"


@dataclass(frozen=True)
class HealthReport:
    """Whether a process does its work: healthy when there is no reason why not.

    ``degraded`` tells what it does less of; a probe is still answered with 200, since a restart would
    not help. ``details`` are the measurements behind the verdict: numbers and short texts, never
    secrets.
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
