"""The start of a function, in Lambda's init phase: what every invocation then finds ready."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from blackcat.application.container import opened_container
from blackcat.application.events import EventLog
from blackcat.application.metrics import metrics
from blackcat.application.ports import Resolver
from blackcat.domain.registry import ServiceRegistry
from blackcat.domain.service import Service, ServiceType
from blackcat.entrypoints.aws_lambda.not_started import told_when_not_started
from blackcat.entrypoints.aws_lambda.snapshots import register_hooks
from blackcat.entrypoints.aws_lambda.sources import Invocation
from blackcat.entrypoints.service_logs import configure_service_logs
from blackcat.entrypoints.settings import start_settings
from blackcat.errors import ConfigurationError, UnknownService
from blackcat.infra.logs.logs import configure_logs
from blackcat.infra.settings.configuration import Settings, export_aws_variables

log = EventLog("blackcat")

Function = Callable[[Invocation], Any]


@dataclass(frozen=True)
class Started:
    """A service that can take events."""

    service: Service
    settings: Settings
    function: Function


def start(target: Service | ServiceRegistry) -> Started:
    """Read settings, configure logs, metrics and traces, open the container, build the service.

    The container is never closed: Lambda freezes a process, and ends it without a word. Raises
    ConfigurationError, which is logged too: Lambda shows it as the error of the init phase.
    """
    configure_logs(identity=identity())
    with told_when_not_started():
        started = _started(target)
    log.info("service.started", type=started.service.type.value, python=platform.python_version())
    register_hooks()
    return started


def _started(target: Service | ServiceRegistry) -> Started:
    registry = target if isinstance(target, ServiceRegistry) else ServiceRegistry([target])
    settings = start_settings(registry)
    export_aws_variables()
    service = target if isinstance(target, Service) else _selected(registry, settings.service_name)
    configure_service_logs(service.name, settings, identity())
    start_telemetry(service, settings)
    resolver = ExitStack().enter_context(opened_container(registry.container))
    return Started(service, settings, _BUILD[service.type](service, resolver, settings))


def _selected(registry: ServiceRegistry, name: str | None) -> Service:
    if not name and len(registry) == 1:
        return next(iter(registry))
    try:
        return registry.select(name)
    except UnknownService as error:
        raise UnknownService(f"SERVICE_NAME: {error}" if name else str(error)) from None


def start_telemetry(service: Service, settings: Settings) -> None:
    """Metrics and traces, as the settings ask for them. Raises ConfigurationError."""
    if settings.metrics == "prometheus":
        raise ConfigurationError(
            "nothing can scrape a function: set METRICS=emf on Lambda, or leave it unset"
        )
    if settings.metrics == "emf":
        from blackcat.infra.metrics.emf import emf_metrics

        metrics.use(emf_metrics(service.name, settings))
    if settings.tracing != "none":
        from blackcat.entrypoints.traces import start_tracing  # its SDK is an extra

        start_tracing(service, settings)


def identity() -> dict[str, str]:
    """Which function, and which version of it: what every log line tells."""
    told = {
        "function": os.environ.get("AWS_LAMBDA_FUNCTION_NAME", ""),
        "function_version": os.environ.get("AWS_LAMBDA_FUNCTION_VERSION", ""),
    }
    return {name: value for name, value in told.items() if value}


# Each type is imported by the function that is one: a worker never pays for Flask.
def _consumer(service: Service, resolver: Resolver | None, settings: Settings) -> Function:
    from blackcat.entrypoints.aws_lambda.consuming import ConsumerFunction, check_consumer

    check_consumer(service, settings)
    return ConsumerFunction(service, resolver, settings)


def _worker(service: Service, resolver: Resolver | None, settings: Settings) -> Function:
    from blackcat.entrypoints.aws_lambda.working import WorkerFunction

    return WorkerFunction(service, resolver, settings)


def _rest_api(service: Service, resolver: Resolver | None, settings: Settings) -> Function:
    from blackcat.entrypoints.aws_lambda.serving import ApiFunction

    return ApiFunction(service, resolver, settings)


_BUILD = {
    ServiceType.CONSUMER: _consumer,
    ServiceType.WORKER: _worker,
    ServiceType.REST_API: _rest_api,
}
