"""One execution of a worker."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from blackcat.application.events import EventLog
from blackcat.application.ports import Clock
from blackcat.application.shutdown import Shutdown
from blackcat.application.threads import Threads

log = EventLog("blackcat.worker")


class Worker:
    """Runs a job once, in a thread of its own; a request to stop leaves it the shutdown budget."""

    def __init__(self, *, job: Callable[[], Any], clock: Clock) -> None:
        self._job = job
        self._clock = clock
        self._error: BaseException | None = None

    def run(self, shutdown: Shutdown) -> bool:
        """Whether the job ended well. Its failure is logged, not raised."""
        log.info("worker.started")
        started = self._clock.monotonic()
        thread = Threads(shutdown).start("worker", lambda: self._work(shutdown))
        shutdown.wait()
        thread.join(shutdown.remaining())
        duration_ms = round((self._clock.monotonic() - started) * 1000)
        if thread.is_alive():
            log.error("worker.abandoned", reason=shutdown.reason, duration_ms=duration_ms)
            return False
        if self._error:
            log.error("worker.failed", error=self._error, duration_ms=duration_ms)
            return False
        log.info("worker.finished", duration_ms=duration_ms)
        return True

    def _work(self, shutdown: Shutdown) -> None:
        try:
            self._job()
        except BaseException as error:  # SystemExit too: only returning is success
            self._error = error
        shutdown.request("the job ended")
