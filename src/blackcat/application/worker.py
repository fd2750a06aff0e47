"""One execution of a worker."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from blackcat.application.events import EventLog
from blackcat.application.ports import Clock
from blackcat.application.shutdown import Shutdown

log = EventLog("blackcat.worker")


class Worker:
    """Runs a job once; a request to stop leaves it the shutdown budget."""

    def __init__(self, *, job: Callable[[], Any], clock: Clock) -> None:
        self._job = job
        self._clock = clock

    def run(self, shutdown: Shutdown) -> bool:
        """Whether the job ended well. Its failure is logged, not raised. A stop before it begins is well."""
        if shutdown.requested.is_set():
            log.info("worker.not_started", reason=shutdown.reason)
            return True
        log.info("worker.started")
        started = self._clock.monotonic()
        error = self._failure()
        duration_ms = round((self._clock.monotonic() - started) * 1000)
        if error is not None:
            log.error("worker.failed", error=error, duration_ms=duration_ms)
            return False
        log.info("worker.finished", duration_ms=duration_ms)
        return True

    def _failure(self) -> BaseException | None:
        try:
            self._job()
        except BaseException as error:  # SystemExit too: only returning is success
            return error
        return None
