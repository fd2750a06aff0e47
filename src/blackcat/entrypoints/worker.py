"""A worker as a process: one execution."""

from __future__ import annotations

from blackcat.application.clock import SystemClock
from blackcat.application.container import opened_container
from blackcat.application.entrypoint import load, worker_entrypoint
from blackcat.application.shutdown import Shutdown
from blackcat.application.worker import Worker
from blackcat.domain.registry import ServiceRegistry
from blackcat.domain.service import Service
from blackcat.entrypoints.signals import stop_signals
from blackcat.infra.configuration import Settings


def run_worker(service: Service, registry: ServiceRegistry, settings: Settings) -> bool:
    """Run the job once; whether it ended well. Raises ConfigurationError."""
    subject = f"worker '{service.name}'"
    clock = SystemClock()
    shutdown = Shutdown(budget=settings.shutdown_timeout, clock=clock)
    with stop_signals(shutdown), opened_container(registry.container) as resolver:
        target = load(service.entrypoint or "", subject=subject)
        job = worker_entrypoint(target, resolver, subject=subject)
        return Worker(job=job, clock=clock).run(shutdown)
