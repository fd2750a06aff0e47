"""A worker as a process: one execution."""

from __future__ import annotations

from blackcat.application.container import opened_container
from blackcat.application.entrypoint import load, worker_entrypoint
from blackcat.application.shutdown import Shutdown
from blackcat.application.tracing import tracing
from blackcat.application.worker.ended import Ended
from blackcat.domain.registry import ServiceRegistry
from blackcat.domain.service import Service
from blackcat.entrypoints.exit_status import DONE, FAILED, LOCK_HELD
from blackcat.entrypoints.process import run_in_process
from blackcat.entrypoints.runs import worker_of
from blackcat.infra.metrics.metrics import process_metrics
from blackcat.infra.settings.configuration import Settings

_STATUS = {
    Ended.FINISHED: DONE,
    Ended.STOPPED: DONE,
    Ended.NOT_STARTED: DONE,
    Ended.LOCK_HELD: LOCK_HELD,
}


def run_worker(service: Service, registry: ServiceRegistry, settings: Settings) -> int:
    """Run the job once; the exit status. Raises ConfigurationError."""
    subject = f"worker '{service.name}'"
    worker = worker_of(service, settings)

    def serve(shutdown: Shutdown) -> int:
        with opened_container(registry.container) as resolver:
            target = load(service.entrypoint or "", subject=subject)
            job = worker_entrypoint(target, resolver, subject=subject)
            with tracing.span(f"run {service.name}") as span:
                result = worker.run(job, shutdown)
                status = _STATUS.get(result.ended, FAILED)
                span.set({"blackcat.outcome": result.ended.value})
                if status == FAILED:
                    span.fail(result.error or result.reason)
            return status

    with process_metrics(service.name, settings):
        return run_in_process(serve, settings, abandoned=FAILED, on_abandoned=worker.abandoned)
