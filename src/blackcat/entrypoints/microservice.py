"""``run_microservice``: the start of every service."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import NoReturn

from blackcat.application.events import EventLog
from blackcat.application.iam.drift import WATCH
from blackcat.domain.registry import ServiceRegistry
from blackcat.domain.service import Service, ServiceType
from blackcat.entrypoints.exit_status import CONFIGURATION, FAILED
from blackcat.entrypoints.platform import announce, current_platform
from blackcat.entrypoints.service_logs import configure_service_logs
from blackcat.entrypoints.settings import start_settings
from blackcat.entrypoints.signals import end_at_signals
from blackcat.entrypoints.traces import start_tracing
from blackcat.errors import ConfigurationError, EntrypointError, InjectionError, UnknownService
from blackcat.infra.logs.logs import configure_logs
from blackcat.infra.settings.configuration import Settings, export_aws_variables

log = EventLog("blackcat")


def run_microservice(target: Service | ServiceRegistry) -> NoReturn:
    """Run a service until it is done or told to stop, then exit the process.

    A Service runs as it is; of a ServiceRegistry the one that SERVICE_NAME names. A consumer handles
    its queue and serves ``GET /health`` on HEALTH_PORT; a worker runs once; a REST API is served by
    gunicorn on PORT. SIGTERM and SIGINT stop it within SHUTDOWN_TIMEOUT_SECONDS, a second one at once.

    Exit status: 0 done or stopped as asked, 1 the service failed, 75 another run holds the worker's
    lock, 78 it cannot start as configured.
    """
    sys.exit(_guarded(lambda: _run(target)))


def _run(target: Service | ServiceRegistry) -> int:
    registry = target if isinstance(target, ServiceRegistry) else ServiceRegistry([target])
    settings = start_settings(registry)
    export_aws_variables()
    service = target if isinstance(target, Service) else _selected(registry, settings.service_name)
    configure_service_logs(service.name, settings, current_platform().identity)
    announce(service, settings)
    if WATCH in os.environ:
        from blackcat.entrypoints.granted_calls import watch_if_asked

        watch_if_asked(service, registry, prefix=settings.resource_prefix)
    if service.type is not ServiceType.REST_API:  # each of its server processes starts its own
        start_tracing(service, settings)
    return _RUN[service.type](service, registry, settings)


def _selected(registry: ServiceRegistry, name: str | None) -> Service:
    try:
        return registry.select(name)
    except UnknownService as error:
        if not name:
            raise
        raise UnknownService(f"SERVICE_NAME: {error}") from None


def _guarded(run: Callable[[], int]) -> int:
    end_at_signals()
    configure_logs()
    try:
        return run()
    except ConfigurationError as error:
        log.error("service.not_started", error=_cause_worth_showing(error), reason=str(error))
        return CONFIGURATION
    except Exception as error:
        log.error("service.failed", error=error)
        return FAILED


def _cause_worth_showing(error: ConfigurationError) -> BaseException | None:
    # The user's own code failed: its traceback leads to the line. Elsewhere the reason says it all.
    return error.__cause__ if isinstance(error, EntrypointError | InjectionError) else None


# Each runner is imported by the service that needs it: a worker never pays for Flask.
def _run_consumer(service: Service, registry: ServiceRegistry, settings: Settings) -> int:
    from blackcat.entrypoints.consumer import run_consumer

    return run_consumer(service, registry, settings)


def _run_worker(service: Service, registry: ServiceRegistry, settings: Settings) -> int:
    from blackcat.entrypoints.worker import run_worker

    return run_worker(service, registry, settings)


def _run_rest_api(service: Service, registry: ServiceRegistry, settings: Settings) -> int:
    from blackcat.entrypoints.rest_api.server import run_rest_api

    return run_rest_api(service, registry, settings)


_RUN = {
    ServiceType.CONSUMER: _run_consumer,
    ServiceType.WORKER: _run_worker,
    ServiceType.REST_API: _run_rest_api,
}
