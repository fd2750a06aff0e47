"""One run of a worker, as its job sees it."""

from __future__ import annotations

from datetime import datetime, timedelta

from blackcat.application.clock import SystemClock
from blackcat.application.ports import Clock
from blackcat.application.shutdown import Shutdown
from blackcat.application.worker.bounds import Bounds

_BUDGET = timedelta(seconds=25)


class Run:
    """What a job learns about its run, and when it has to stop: annotate a parameter with it.

    ``Run()`` is one for a test of a job: nothing bounds it, and ``stop`` asks it to stop.
    """

    def __init__(
        self,
        *,
        bounds: Bounds | None = None,
        clock: Clock | None = None,
        scheduled_at: datetime | None = None,
        fencing_token: int | None = None,
    ) -> None:
        clock = clock or SystemClock()
        self._bounds = bounds or Bounds(shutdown=Shutdown(budget=_BUDGET, clock=clock), clock=clock)
        self._started_at = clock.now()
        self._scheduled_at = scheduled_at or self._started_at
        self._fencing_token = fencing_token
        self._noticed = False

    @property
    def started_at(self) -> datetime:
        return self._started_at

    @property
    def scheduled_at(self) -> datetime:
        """When it was due, as WORKER_SCHEDULED_AT says; without that, when it started."""
        return self._scheduled_at

    @property
    def fencing_token(self) -> int | None:
        """An exclusive worker's: greater than that of every run before. Store it with what is written,
        and let a write go first only if no greater one is there: a paused run may wake up late."""
        return self._fencing_token

    @property
    def stopping(self) -> bool:
        """Whether to stop at the next safe point: SIGTERM came, the deadline passed, or the lock is lost."""
        return self._notice(self._bounds.stopping)

    @property
    def noticed(self) -> bool:
        """Whether the job was told to stop: then it may have left something undone."""
        return self._noticed

    def wait(self, duration: timedelta) -> bool:
        """Sleep so long, or until the run has to stop; False when it has to."""
        return not self._notice(self._bounds.wait(duration.total_seconds()))

    def remaining(self) -> timedelta | None:
        """What is left until the deadline or, of a run that has to stop, until the process ends.

        None when there is no such time.
        """
        left = self._bounds.left
        self._notice(self._bounds.stopping)
        return None if left is None else timedelta(seconds=left)

    def stop(self, reason: str = "asked to") -> None:
        """Ask it to stop, as SIGTERM does."""
        self._bounds.request(reason)

    def _notice(self, stopping: bool) -> bool:
        self._noticed = self._noticed or stopping
        return stopping
