"""A consumer as a process."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from random import Random

from blackcat.application.checks import Health
from blackcat.application.clock import SystemClock
from blackcat.application.consumer.consumer import Consumer
from blackcat.application.consumer.options import ConsumerOptions
from blackcat.application.container import opened_container
from blackcat.application.entrypoint import built, consumer_entrypoint, load
from blackcat.application.handler import MessageHandler
from blackcat.application.message_spans import MessageSpans
from blackcat.application.middleware import Middleware, Next, folded
from blackcat.application.ports import Resolver
from blackcat.application.shutdown import Shutdown
from blackcat.application.tracing import tracing
from blackcat.domain.registry import ServiceRegistry
from blackcat.domain.service import Service
from blackcat.entrypoints.checks import service_checks
from blackcat.entrypoints.connections import broker, require_deliverable
from blackcat.entrypoints.exit_status import DONE
from blackcat.entrypoints.platform import task_protection, with_memory
from blackcat.entrypoints.process import run_in_process
from blackcat.errors import ConfigurationError, EntrypointError
from blackcat.infra.health_server import health_paths, health_server
from blackcat.infra.logs.messages import log_message
from blackcat.infra.metrics.metrics import process_metrics
from blackcat.infra.payloads import decoder_for
from blackcat.infra.redaction import redactor
from blackcat.infra.settings.configuration import Settings
from blackcat.resources import with_prefix

# As OpenTelemetry calls them.
_SYSTEM = {"sqs": "aws_sqs", "rabbitmq": "rabbitmq"}


def run_consumer(service: Service, registry: ServiceRegistry, settings: Settings) -> int:
    """Consume until told to stop; the exit status. Raises ConfigurationError, or ServiceFailed."""
    _check(service, settings)

    def serve(shutdown: Shutdown) -> int:
        with opened_container(registry.container) as resolver:
            queue = with_prefix(registry.queue_of(service), settings.resource_prefix).name
            handle = message_handler(service, resolver, queue=queue, system=_SYSTEM[settings.queue_backend])
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


def message_handler(
    service: Service, resolver: Resolver | None, *, queue: str = "", system: str = _SYSTEM["sqs"]
) -> Next:
    """The service's entrypoint with its middleware around it. Raises ConfigurationError.

    Spans name the ``queue`` as it is really called, and the ``system`` as OpenTelemetry calls it.
    """
    subject = f"consumer '{service.name}'"
    target = load(service.entrypoint or "", subject=subject)
    entrypoint = consumer_entrypoint(target, resolver, subject=subject)
    decode = decoder_for(entrypoint.payload_type, subject=subject)
    handler = MessageHandler(entrypoint, decode, _non_retryable(service, subject))
    layers = [log_message, *_middleware(service, resolver, subject)]
    if tracing.enabled:
        layers.insert(0, MessageSpans(queue=queue or service.queue_name or "", system=system))
    return folded(handler, layers)


def _middleware(service: Service, resolver: Resolver | None, subject: str) -> Sequence[Middleware]:
    part = f"middleware of {subject}"
    return [built(load(layer, subject=part), resolver, subject=part) for layer in service.middleware]


def _non_retryable(service: Service, subject: str) -> tuple[type[Exception], ...]:
    kinds = [load(kind, subject=f"non_retryable of {subject}") for kind in service.non_retryable]
    for kind in kinds:
        if not (isinstance(kind, type) and issubclass(kind, Exception)):
            raise EntrypointError(f"non_retryable of {subject} names {kind!r}, which is no exception type")
    return tuple(kinds)


def _options(service: Service, settings: Settings) -> ConsumerOptions:
    return ConsumerOptions(
        rate_limit=service.rate_limit,
        circuit_breaker=service.circuit_breaker,
        concurrency=settings.consumer_concurrency,
        wait=timedelta(seconds=settings.consumer_wait_seconds),
        max_handling=timedelta(seconds=settings.consumer_max_handling_seconds),
        measure_every=timedelta(seconds=settings.metrics_interval_seconds),
    )
