"""Checks of workers' schedules."""

from __future__ import annotations

from blackcat.application.doctor import rules
from blackcat.application.doctor.examination import Results
from blackcat.domain.registry import ServiceRegistry
from blackcat.domain.service import ServiceType


def schedules(registry: ServiceRegistry) -> Results:
    """Workers without a schedule."""
    for service in registry:
        if service.type is ServiceType.WORKER and service.schedule is None:
            yield rules.WORKER_WITHOUT_SCHEDULE.found(
                f"worker '{service.name}'", "it is started by hand only"
            )
