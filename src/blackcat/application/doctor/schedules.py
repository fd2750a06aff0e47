"""Checks of schedules."""

from __future__ import annotations

from blackcat.application.doctor import rules
from blackcat.application.doctor.examination import Results
from blackcat.domain.registry import ServiceRegistry
from blackcat.domain.schedule import schedule
from blackcat.domain.service import ServiceType
from blackcat.errors import InvalidDeclaration


def schedules(registry: ServiceRegistry) -> Results:
    """Workers without a schedule, and schedules that EventBridge Scheduler would refuse."""
    for service in registry:
        if service.type is not ServiceType.WORKER:
            continue
        subject = f"worker '{service.name}'"
        if service.schedule is None:
            yield rules.WORKER_WITHOUT_SCHEDULE.found(subject, "it is started by hand only")
            continue
        try:
            schedule(service.schedule)
        except InvalidDeclaration as error:
            yield rules.SCHEDULE_REFUSED.found(subject, str(error))
