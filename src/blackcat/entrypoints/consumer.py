"""A consumer as a process."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from random import Random

from blackcat.application.clock import SystemClock
from blackcat.application.consumer.consumer import Consumer
from blackcat.application.consumer.options import ConsumerOptions
from blackcat.application.container import opened_container
from blackcat.application.entrypoint import consumer_entrypoint, load
from blackcat.application.handler import MessageHandler
from blackcat.application.middleware import Middleware, Next, folded
from blackcat.application.ports import Resolver
from blackcat.application.shutdown import Shutdown
from blackcat.domain.registry import ServiceRegistry
from blackcat.domain.service import Service
from blackcat.entrypoints.connections import broker
from blackcat.entrypoints.signals import stop_signals
from blackcat.infra.configuration import Settings
from blackcat.infra.health_server import health_server
from blackcat.infra.message_log import log_message
from blackcat.infra.payloads import decoder_for
from blackcat.infra.redaction import redactor
from blackcat.resources import with_prefix


def run_consumer(service: Service, registry: ServiceRegistry, settings: Settings) -> None:
    """Consume until told to stop. Raises ConfigurationError, or what a thread died of."""
    clock = SystemClock()
    shutdown = Shutdown(budget=settings.shutdown_timeout, clock=clock)
    with stop_signals(shutdown), opened_container(registry.container) as resolver:
        consumer = Consumer(
            service=service.name,
            broker=broker(settings),
            queue_name=with_prefix(registry.queue_of(service), settings.resource_prefix).name,
            handle=message_handler(service, resolver),
            retry=service.retry,
            options=_options(settings),
            clock=clock,
            random=Random(),
            redact=redactor.text,
        )
        with health_server(consumer.health, host=settings.health_host, port=settings.health_port):
            consumer.run(shutdown)


def message_handler(service: Service, resolver: Resolver | None) -> Next:
    """The service's entrypoint with its middleware around it. Raises ConfigurationError."""
    subject = f"consumer '{service.name}'"
    target = load(service.entrypoint or "", subject=subject)
    entrypoint = consumer_entrypoint(target, resolver, subject=subject)
    handler = MessageHandler(entrypoint, decoder_for(entrypoint.payload_type, subject=subject))
    return folded(handler, [log_message, *_middleware(service, subject)])


def _middleware(service: Service, subject: str) -> Sequence[Middleware]:
    return [load(layer, subject=f"middleware of {subject}") for layer in service.middleware]


def _options(settings: Settings) -> ConsumerOptions:
    return ConsumerOptions(
        concurrency=settings.consumer_concurrency,
        wait=timedelta(seconds=settings.consumer_wait_seconds),
        max_handling=timedelta(seconds=settings.consumer_max_handling_seconds),
    )
