"""A start without a service: for a project's own tests, and for whoever looks for what is broken."""

from __future__ import annotations

from collections.abc import Iterator

from blackcat.application.container import opened_container
from blackcat.application.entrypoint import load, worker_entrypoint
from blackcat.application.ports import Resolver
from blackcat.domain.registry import ServiceRegistry
from blackcat.domain.service import Service, ServiceType
from blackcat.entrypoints.checks import service_checks
from blackcat.entrypoints.connections import require_deliverable
from blackcat.entrypoints.message_handler import message_handler
from blackcat.errors import ConfigurationError
from blackcat.infra.settings.configuration import Settings


def rehearse(registry: ServiceRegistry) -> None:
    """Build every service as its process would at start: import it, inject it, serve nothing.

    Raises ConfigurationError, which names every service that would not start, and why.
    """
    settings = Settings()
    with opened_container(registry.container) as resolver:
        problems = [problem for service in registry for problem in _problems(service, resolver, settings)]
    if problems:
        raise ConfigurationError("; ".join(problems))


def build(service: Service, resolver: Resolver | None, settings: Settings) -> object:
    """What a process has before its first message, run or request. Raises ConfigurationError."""
    if service.type is ServiceType.CONSUMER:
        require_deliverable(service, settings)
        service_checks(service, resolver)
        return message_handler(service, resolver)
    if service.type is ServiceType.WORKER:
        subject = f"worker '{service.name}'"
        return worker_entrypoint(load(service.entrypoint or "", subject=subject), resolver, subject=subject)
    from blackcat.entrypoints.rest_api.application import create_app  # only APIs pay for Flask

    return create_app(service, resolver, settings)


def _problems(service: Service, resolver: Resolver | None, settings: Settings) -> Iterator[str]:
    try:
        build(service, resolver, settings)
    except ConfigurationError as error:
        yield str(error)
