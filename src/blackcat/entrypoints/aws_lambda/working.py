"""A worker as a Lambda function: one run per schedule or direct invocation."""

from __future__ import annotations

from datetime import timedelta
from threading import Timer

from blackcat.application.clock import SystemClock
from blackcat.application.entrypoint import load, worker_entrypoint
from blackcat.application.ports import Resolver
from blackcat.application.shutdown import Shutdown
from blackcat.application.worker.ended import Ended, Result
from blackcat.domain.service import Service
from blackcat.entrypoints.aws_lambda.events import SCHEDULED_AT, Event, Kind, scheduled_time
from blackcat.entrypoints.aws_lambda.sources import Invocation, not_for
from blackcat.entrypoints.runs import worker_of
from blackcat.errors import ServiceFailed, UnknownEvent
from blackcat.infra.redaction import redactor
from blackcat.infra.settings.configuration import Settings

_TAKES = (Kind.SCHEDULE, Kind.DIRECT)
# What a direct invocation may tell a run.
_TOLD = {SCHEDULED_AT}
# How a run may end without failing. What is invoked asynchronously has nobody who reads its answer: a run
# that was cut off has to fail, or nothing would try it again, or raise an alarm.
_ANSWERED = (Ended.FINISHED, Ended.LOCK_HELD)


class WorkerFunction:
    """Runs the job once, with the time that its event was due as ``Run.scheduled_at``.

    When the function's time runs out the job is asked to stop, SHUTDOWN_TIMEOUT_SECONDS or a fifth of the
    function's timeout before the end, and the invocation fails.
    """

    def __init__(self, service: Service, resolver: Resolver | None, settings: Settings) -> None:
        self._service = service
        self._settings = settings
        subject = f"worker '{service.name}'"
        self._job = worker_entrypoint(
            load(service.entrypoint or "", subject=subject), resolver, subject=subject
        )

    def __call__(self, invocation: Invocation) -> dict[str, str]:
        """How it ended; that another run holds the lock is an answer too.

        Raises UnknownEvent for an event that means no run, and ServiceFailed for a run that failed, or did
        not come to its end.
        """
        if invocation.kind not in _TAKES:
            raise not_for(self._service, invocation.kind, _TAKES)
        if invocation.kind is Kind.DIRECT:
            self._check(invocation.event)
        worker = worker_of(self._service, self._settings, scheduled_time(invocation.event))
        shutdown = Shutdown(budget=_left_at_the_end(invocation), clock=SystemClock())
        timer = Timer(
            invocation.deadline.remaining(), shutdown.request, ["the function's time is running out"]
        )
        timer.daemon = True
        timer.start()
        try:
            return self._answer(worker.run(self._job, shutdown))
        finally:
            timer.cancel()

    def _check(self, event: Event) -> None:
        """Anything may be sent to a function; a job must not run because something else has happened."""
        if odd := sorted(set(event) - _TOLD):
            raise UnknownEvent(
                f"an event with {', '.join(map(repr, odd[:3]))} is no direct invocation of worker "
                f"'{self._service.name}': invoke it with {{}}, or with '{SCHEDULED_AT}' alone"
            )

    def _answer(self, result: Result) -> dict[str, str]:
        reason = redactor.text(result.reason)
        if result.ended not in _ANSWERED:
            raise ServiceFailed(f"worker '{self._service.name}' {_told(result.ended)}: {reason}")
        return {"ended": result.ended.value, **({"reason": reason} if reason else {})}


def _left_at_the_end(invocation: Invocation) -> timedelta:
    left = invocation.context.get_remaining_time_in_millis() / 1000
    return timedelta(seconds=max(0.0, left - invocation.deadline.remaining()))


def _told(ended: Ended) -> str:
    return "failed" if ended is Ended.FAILED else f"ended with {ended.value}"
