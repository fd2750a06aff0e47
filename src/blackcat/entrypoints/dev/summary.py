"""What runs, where it is reached, and how to send it something."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from blackcat.application.dev.plan import PlannedService, ProjectPlan
from blackcat.domain.service import ServiceType
from blackcat.infra.free_ports import HOST


def address(service: PlannedService, ports: Mapping[str, int]) -> str | None:
    """An API's address, a consumer's health address; None for a worker."""
    if service.name not in ports:
        return None
    path = "" if service.type is ServiceType.REST_API else "/health"
    return f"http://{HOST}:{ports[service.name]}{path}"


def summary(plan: ProjectPlan, ports: Mapping[str, int]) -> Iterator[str]:
    """One line per service, and what to type in another terminal."""
    width = max((len(service.name) for service in plan.services), default=0)
    for service in plan.services:
        yield f"  {service.name:<{width}}  {_where(service, ports)}"
    if not plan.services:
        yield "  no service is declared yet: add one with `blackcat generate-service`"
    if plan.queues:
        yield f'send a message, in another terminal: blackcat send {plan.queues[0]} \'{{"key": "value"}}\''
    if plan.topics:
        yield f'or publish one: blackcat publish {plan.topics[0]} \'{{"key": "value"}}\''


def _where(service: PlannedService, ports: Mapping[str, int]) -> str:
    if service.type is ServiceType.CONSUMER:
        fed = f" (from {', '.join(service.fed_by)})" if service.fed_by else ""
        return f"queue {service.queue}{fed}, health {address(service, ports)}"
    if service.type is ServiceType.REST_API:
        return str(address(service, ports))
    zone = f" {service.timezone}" if service.timezone else ""
    return f"{service.schedule}{zone}" if service.schedule else "runs once: it has no schedule"
