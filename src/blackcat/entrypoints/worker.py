"""A worker as a process: one execution."""

from __future__ import annotations

from blackcat.application.clock import SystemClock
from blackcat.application.container import opened_container
from blackcat.application.entrypoint import load, worker_entrypoint
from blackcat.application.shutdown import Shutdown
from blackcat.application.worker import Worker
from blackcat.domain.registry import ServiceRegistry
from blackcat.domain.service import Service
from blackcat.entrypoints.exit_status import DONE, FAILED
from blackcat.entrypoints.process import run_in_process
from blackcat.infra.configuration import Settings


def run_worker(service: Service, registry: ServiceRegistry, settings: Settings) -> int:
    """Run the job once; the exit status. Raises ConfigurationError."""
    subject = f"worker '{service.name}'"

    def serve(shutdown: Shutdown) -> int:
        with opened_container(registry.container) as resolver:
            target = load(service.entrypoint or "", subject=subject)
            job = worker_entrypoint(target, resolver, subject=subject)
            return DONE if Worker(job=job, clock=SystemClock()).run(shutdown) else FAILED

    return run_in_process(serve, settings, abandoned=FAILED)
