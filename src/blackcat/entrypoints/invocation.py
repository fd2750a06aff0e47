"""A service's own code run once on this machine, without its process around it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from blackcat.application.clock import SystemClock
from blackcat.application.container import opened_container
from blackcat.application.entrypoint import load, worker_entrypoint
from blackcat.application.shutdown import Shutdown
from blackcat.application.worker.ended import Ended
from blackcat.domain.envelope import unwrapped
from blackcat.domain.message import Message
from blackcat.domain.outcome import HANDLED, Outcome, Retried
from blackcat.domain.registry import ServiceRegistry
from blackcat.domain.service import Service
from blackcat.entrypoints.message_handler import message_handler
from blackcat.entrypoints.runs import worker_of
from blackcat.infra.settings.configuration import Settings


@dataclass(frozen=True)
class Skipped:
    """Another run holds the worker's lock: nothing was run."""

    reason: str


@dataclass(frozen=True)
class HttpReply:
    """What a REST API answered."""

    status: int
    headers: Mapping[str, str]
    body: str


def handle_once(service: Service, registry: ServiceRegistry, message: Message) -> Outcome:
    """The message through a consumer's middleware and handler; nothing is done with the outcome.

    Raises ConfigurationError.
    """
    with opened_container(registry.container) as resolver:
        return message_handler(service, resolver)(unwrapped(message))


def run_once(service: Service, registry: ServiceRegistry, settings: Settings) -> Outcome | Skipped:
    """A worker's job: handled, skipped, or to be retried with the reason. Raises ConfigurationError."""
    subject = f"worker '{service.name}'"
    with opened_container(registry.container) as resolver:
        job = worker_entrypoint(load(service.entrypoint or "", subject=subject), resolver, subject=subject)
        shutdown = Shutdown(budget=settings.shutdown_timeout, clock=SystemClock())
        result = worker_of(service, settings).run(job, shutdown)
    if result.ended is Ended.LOCK_HELD:
        return Skipped(result.reason)
    return HANDLED if result.ended is Ended.FINISHED else Retried(result.reason, result.error)


def request_once(
    service: Service,
    registry: ServiceRegistry,
    settings: Settings,
    *,
    method: str,
    path: str,
    body: str | None,
) -> HttpReply:
    """One request to a REST API, without a socket. Raises ConfigurationError."""
    # Consumers and workers do not pay for Flask.
    from blackcat.entrypoints.rest_api.application import create_app

    with opened_container(registry.container) as resolver:
        client = create_app(service, resolver, settings).test_client()
        content = None if body is None else "application/json"
        reply = client.open(path, method=method, data=body, content_type=content)
        return HttpReply(reply.status_code, dict(reply.headers), reply.get_data(as_text=True))
