"""A consumer's own code with its middleware: what a process and a function put messages through."""

from __future__ import annotations

from collections.abc import Sequence

from blackcat.application.entrypoint import built, consumer_entrypoint, load
from blackcat.application.handler import MessageHandler
from blackcat.application.middleware import Middleware, Next, folded
from blackcat.application.ports import Resolver
from blackcat.application.tracing import tracing
from blackcat.domain.service import Service
from blackcat.errors import EntrypointError
from blackcat.infra.logs.messages import log_message
from blackcat.infra.payloads import decoder_for

# As OpenTelemetry calls them.
SYSTEMS = {"sqs": "aws_sqs", "rabbitmq": "rabbitmq"}


def message_handler(
    service: Service, resolver: Resolver | None, *, queue: str = "", system: str = SYSTEMS["sqs"]
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
        from blackcat.application.message_spans import MessageSpans

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
