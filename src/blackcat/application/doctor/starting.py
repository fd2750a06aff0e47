"""Checks that each service could start: its code loads, and the container gives what it needs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

from blackcat.application.container import opened_container
from blackcat.application.doctor import rules
from blackcat.application.doctor.examination import Results
from blackcat.application.entrypoint import load, load_module
from blackcat.application.handler import described
from blackcat.application.ports import Resolver
from blackcat.domain.registry import ServiceRegistry
from blackcat.domain.service import Service
from blackcat.errors import BlackcatError, EntrypointError, InjectionError

Start = Callable[[Service, Resolver | None], object]


def starting(registry: ServiceRegistry, start: Start) -> Results:
    """Start each service up to its first message, as its own process would; ``start`` does that.

    The container is opened once for all. When it cannot be opened, services are only loaded.
    """
    with ExitStack() as opened:
        try:
            resolver = opened.enter_context(opened_container(registry.container))
        except (Exception, SystemExit) as error:
            yield rules.CONTAINER_FAILS.found(_container(registry), _told(error))
            for service in registry:
                yield from _attempted(service, lambda: _loaded(service))  # noqa: B023 - called at once
            return
        for service in registry:
            yield from _attempted(service, lambda: start(service, resolver))  # noqa: B023 - called at once
        try:
            opened.close()
        except (Exception, SystemExit) as error:
            yield rules.CONTAINER_FAILS.found(_container(registry), f"closing it: {_told(error)}")


def _attempted(service: Service, attempt: Callable[[], object]) -> Results:
    subject = f"{service.type.value} '{service.name}'"
    try:
        attempt()
    except InjectionError as error:
        yield rules.NOT_INJECTED.found(subject, str(error))
    except EntrypointError as error:
        yield rules.ENTRYPOINT_DOES_NOT_LOAD.found(subject, str(error))
    except (Exception, SystemExit) as error:
        yield rules.START_FAILS.found(subject, _told(error))


def _loaded(service: Service) -> None:
    subject = f"{service.type.value} '{service.name}'"
    if service.endpoint_module:
        load_module(service.endpoint_module, subject=subject)
    for reference in (service.entrypoint, *service.middleware, *service.non_retryable):
        if reference is not None:
            load(reference, subject=subject)


def _told(error: BaseException) -> str:
    return str(error) if isinstance(error, BlackcatError) else described(error)


def _container(registry: ServiceRegistry) -> str:
    reference = registry.container
    name = reference if isinstance(reference, str) else getattr(reference, "__name__", repr(reference))
    return f"container '{name}'"
