"""The checks of a service, as its process runs them."""

from __future__ import annotations

from blackcat.application.checks import Checks, checks_of
from blackcat.application.clock import SystemClock
from blackcat.application.ports import Resolver
from blackcat.domain.service import Service
from blackcat.infra.redaction import redactor


def service_checks(service: Service, resolver: Resolver | None) -> Checks:
    """Build them, their needs injected. Raises EntrypointError or InjectionError."""
    return checks_of(
        service.checks,
        resolver,
        subject=f"{service.type.value} '{service.name}'",
        clock=SystemClock(),
        redact=redactor.text,
    )
