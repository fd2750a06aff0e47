"""What ``blackcat dev`` runs: read from the registry in one process, carried out in another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from blackcat.domain.registry import ServiceRegistry
from blackcat.domain.service import Service, ServiceType
from blackcat.errors import UnknownService
from blackcat.resources import QueueResource


@dataclass(frozen=True)
class PlannedService:
    """A service, as far as dev has to know it; ``fed_by`` says what else than senders fills its queue."""

    name: str
    type: ServiceType
    queue: str | None = None
    schedule: str | None = None
    timezone: str | None = None
    fed_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class ProjectPlan:
    """The services of a project; the queues, and the topics subscribed to, that one can send to.

    ``port`` is where an API would listen, ``stop_seconds`` what each service may take to stop.
    """

    services: tuple[PlannedService, ...]
    queues: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    port: int = 8000
    stop_seconds: float = 25.0

    def only(self, names: Sequence[str]) -> ProjectPlan:
        """The plan for these services; for all of them without names."""
        chosen = (service for service in self.services if not names or service.name in names)
        return replace(self, services=tuple(chosen))

    def require(self, names: Sequence[str]) -> None:
        """Raises UnknownService for a name that no service bears."""
        known = [service.name for service in self.services]
        for name in names:
            if name not in known:
                raise UnknownService(f"no service is named '{name}': the services are {', '.join(known)}")

    def has(self, name: str) -> bool:
        return any(service.name == name for service in self.services)

    def service(self, name: str) -> PlannedService:
        return next(service for service in self.services if service.name == name)

    def as_json(self) -> dict[str, Any]:
        services = [{**asdict(service), "type": service.type.value} for service in self.services]
        return {**asdict(self), "services": services}

    @staticmethod
    def from_json(content: Mapping[str, Any]) -> ProjectPlan:
        return ProjectPlan(
            services=tuple(_from_json(service) for service in content["services"]),
            queues=tuple(content["queues"]),
            topics=tuple(content["topics"]),
            port=content["port"],
            stop_seconds=content["stop_seconds"],
        )


def plan_of(registry: ServiceRegistry, *, port: int, stop_seconds: float) -> ProjectPlan:
    """The plan for a registry."""
    return ProjectPlan(
        services=tuple(_planned(service) for service in registry),
        queues=tuple(found.name for found in registry.resources if isinstance(found, QueueResource)),
        topics=tuple(dict.fromkeys(one.topic.name for service in registry for one in service.subscriptions)),
        port=port,
        stop_seconds=stop_seconds,
    )


def _planned(service: Service) -> PlannedService:
    return PlannedService(
        service.name,
        service.type,
        service.queue_name,
        service.schedule,
        service.timezone,
        tuple(_subscribed(service)),
    )


def _subscribed(service: Service) -> Iterator[str]:
    for subscription in service.subscriptions:
        yield f"topic {subscription.topic.name}"
    for rule in service.rules:
        named = f"rule {rule.name} of " if rule.name else ""
        yield f"{named}event bus {rule.bus.name}"


def _from_json(content: Mapping[str, Any]) -> PlannedService:
    kind, fed_by = ServiceType(content["type"]), tuple(content["fed_by"])
    return PlannedService(**{**content, "type": kind, "fed_by": fed_by})
