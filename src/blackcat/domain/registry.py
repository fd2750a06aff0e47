"""The services of a project, declared once."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from blackcat.domain.service import Service
from blackcat.errors import InvalidDeclaration, UnknownService
from blackcat.resources import BusRule, QueueResource, Resource, Subscription


class ServiceRegistry:
    """All services of a project, under unique names.

    ``container`` names a callable (import string, or the callable itself) that returns anything with
    ``resolve(type)``, a ``punq.Container`` for example, or a context manager around it, which is
    entered before the service starts and left after it stopped. Raises InvalidDeclaration.
    """

    def __init__(
        self, services: Iterable[Service], *, container: str | Callable[..., Any] | None = None
    ) -> None:
        if not isinstance(services, Iterable):
            raise InvalidDeclaration(f"a ServiceRegistry takes a list of services, not {services!r}")
        self._services: dict[str, Service] = {}
        for service in services:
            if not isinstance(service, Service):
                raise InvalidDeclaration(
                    f"a ServiceRegistry takes Service(...) declarations, not {service!r}"
                )
            if service.name in self._services:
                raise InvalidDeclaration(f"two services are named '{service.name}': give each its own name")
            self._services[service.name] = service
        self.container = container
        self._resources = _agreed(self._declared())
        _check_rules(self)

    def __iter__(self) -> Iterator[Service]:
        return iter(self._services.values())

    def __len__(self) -> int:
        return len(self._services)

    def select(self, name: str | None) -> Service:
        """The service of that name. Raises UnknownService, which lists the known names."""
        known = ", ".join(self._services) or "none: the registry is empty"
        if not name:
            raise UnknownService(f"SERVICE_NAME is not set: set it to one of the services: {known}")
        if name not in self._services:
            nearest = difflib.get_close_matches(name, self._services, n=1, cutoff=0.5)
            hint = f" (did you mean '{nearest[0]}'?)" if nearest else ""
            raise UnknownService(f"there is no service '{name}'{hint}: the services are {known}")
        return self._services[name]

    @property
    def resources(self) -> tuple[Resource, ...]:
        """Every resource that the services use, consume or subscribe to, once each."""
        return tuple(self._resources.values())

    def queue_of(self, service: Service) -> QueueResource:
        """The queue that a consumer consumes, with its declared attributes or the defaults."""
        queue = self._resources.get(("QueueResource", service.queue_name or ""))
        if not isinstance(queue, QueueResource):
            raise InvalidDeclaration(f"service '{service.name}' consumes no queue of this registry")
        return queue

    def consumed_queues(self) -> list[tuple[QueueResource, list[Subscription | BusRule]]]:
        """The queue of every consumer with all that feeds it; a queue may have several consumers."""
        queues: dict[str, tuple[QueueResource, list[Subscription | BusRule]]] = {}
        for service in self:
            if service.queue:
                queue = self.queue_of(service)
                queues.setdefault(queue.name, (queue, []))[1].extend((*service.subscriptions, *service.rules))
        return list(queues.values())

    def _declared(self) -> Iterator[tuple[Service, Resource]]:
        for service in self:
            for grant in service.grants:
                yield service, grant.resource
            for subscription in service.subscriptions:
                yield service, subscription.topic
            for rule in service.rules:
                yield service, rule.bus
        # Last, so that a declaration anywhere in the registry goes before a consumer's defaults.
        for service in self:
            if service.queue:
                yield service, service.queue


def _check_rules(registry: ServiceRegistry) -> None:
    """Services that share a queue must not both name a rule as its own."""
    known: dict[tuple[str, str], BusRule] = {}
    for service in registry:
        for rule in service.rules:
            name = rule.name_for(registry.queue_of(service).name)
            if known.setdefault((rule.bus.name, name), rule) != rule:
                raise InvalidDeclaration(
                    f"event bus '{rule.bus.name}' has two rules named '{name}'; service '{service.name}' "
                    "has one of them: give each a name of its own"
                )


def _agreed(declared: Iterator[tuple[Service, Resource]]) -> dict[tuple[str, str], Resource]:
    resources: dict[tuple[str, str], Resource] = {}
    for service, resource in declared:
        key = (type(resource).__name__, resource.name)
        known = resources.setdefault(key, resource)
        if known != resource and resource != service.queue:
            raise InvalidDeclaration(
                f"{key[0]} '{resource.name}' is declared with different attributes; service "
                f"'{service.name}' has one of them: declare it once and share it"
            )
    return resources
