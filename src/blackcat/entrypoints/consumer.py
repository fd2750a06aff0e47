"""A consumer as a process."""

from __future__ import annotations

from datetime import timedelta
from random import Random

from blackcat.application.checks import Health
from blackcat.application.clock import SystemClock
from blackcat.application.consumer.consumer import Consumer
from blackcat.application.consumer.options import ConsumerOptions
from blackcat.application.container import opened_container
from blackcat.application.middleware import Next
from blackcat.application.ports import Resolver
from blackcat.application.shutdown import Shutdown
from blackcat.domain.registry import ServiceRegistry
from blackcat.domain.service import Service
from blackcat.entrypoints.checks import service_checks
from blackcat.entrypoints.connections import broker, require_deliverable
from blackcat.entrypoints.exit_status import DONE
from blackcat.entrypoints.message_handler import SYSTEMS, message_handler
from blackcat.entrypoints.platform import task_protection, with_memory
from blackcat.entrypoints.process import run_in_process
from blackcat.errors import ConfigurationError
from blackcat.infra.health_server import health_paths, health_server
from blackcat.infra.metrics.metrics import process_metrics
from blackcat.infra.redaction import redactor
from blackcat.infra.settings.configuration import Settings
from blackcat.resources import with_prefix


def run_consumer(service: Service, registry: ServiceRegistry, settings: Settings) -> int:
    """Consume until told to stop; the exit status. Raises ConfigurationError, or ServiceFailed."""
    _check(service, settings)

    def serve(shutdown: Shutdown) -> int:
        with opened_container(registry.container) as resolver:
            queue = with_prefix(registry.queue_of(service), settings.resource_prefix).name
            handle = message_handler(service, resolver, queue=queue, system=SYSTEMS[settings.queue_backend])
            consumer = _consumer(service, settings, queue, handle)
            health = _health(service, resolver, consumer, shutdown)
            paths = {**health_paths(health), **metrics_paths}
            with (
                health_server(paths, host=settings.health_host, port=settings.health_port),
                task_protection(consumer.longest_handling, settings, shutdown),
            ):
                consumer.run(shutdown)
        return DONE

    with process_metrics(service.name, settings) as metrics_paths:
        return run_in_process(serve, settings, abandoned=DONE)


def _check(service: Service, settings: Settings) -> None:
    if settings.consumer_wait_seconds >= settings.shutdown_timeout_seconds:
        raise ConfigurationError(
            "CONSUMER_WAIT_SECONDS must be less than SHUTDOWN_TIMEOUT_SECONDS: a poll is never cut off"
        )
    if settings.aws_dry_run:
        raise ConfigurationError(
            f"consumer '{service.name}' cannot run with AWS_DRY_RUN: what it receives without deleting would "
            "end in the dead-letter queue; unset it, or try the handler in a test"
        )
    require_deliverable(service, settings)


def _consumer(service: Service, settings: Settings, queue: str, handle: Next) -> Consumer:
    return Consumer(
        service=service.name,
        version=settings.service_version,
        broker=broker(settings),
        queue_name=queue,
        handle=handle,
        retry=service.retry,
        options=_options(service, settings),
        clock=SystemClock(),
        random=Random(),
        redact=redactor.text,
    )


def _health(service: Service, resolver: Resolver | None, consumer: Consumer, shutdown: Shutdown) -> Health:
    return Health(
        report=lambda: with_memory(consumer.health()),
        checks=service_checks(service, resolver),
        stopping=shutdown.requested.is_set,
    )


def _options(service: Service, settings: Settings) -> ConsumerOptions:
    return ConsumerOptions(
        rate_limit=service.rate_limit,
        circuit_breaker=service.circuit_breaker,
        concurrency=settings.consumer_concurrency,
        wait=timedelta(seconds=settings.consumer_wait_seconds),
        max_handling=timedelta(seconds=settings.consumer_max_handling_seconds),
        measure_every=timedelta(seconds=settings.metrics_interval_seconds),
    )
