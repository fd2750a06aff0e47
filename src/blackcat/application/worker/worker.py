"""One execution of a worker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NoAnswer
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Event, Thread
from typing import Any

from blackcat.application.events import EventLog
from blackcat.application.handler import described
from blackcat.application.lock import Held, Lease, TableLock
from blackcat.application.metrics import metrics
from blackcat.application.ports import Clock
from blackcat.application.shutdown import Shutdown
from blackcat.application.threads import Threads
from blackcat.application.worker.bounds import Bounds
from blackcat.application.worker.ended import Ended, Result
from blackcat.application.worker.run import Run
from blackcat.errors import ConfigurationError, PermanentError, RemoteError

log = EventLog("blackcat.worker")

# What the release may take: a call to a table that does not answer lasts much longer.
RELEASE_SECONDS = 5.0

Job = Callable[[Run], Any]


class Worker:
    """Runs a job once, alone where there is a lock. Its failure is logged, not raised.

    A request to stop leaves the job the shutdown budget, and so does the end of its deadline, which
    counts from the start of the job.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        deadline: timedelta | None = None,
        lock: TableLock | None = None,
        scheduled_at: datetime | None = None,
    ) -> None:
        self._clock = clock
        self._deadline = deadline
        self._lock = lock
        self._scheduled_at = scheduled_at
        self._bounds: Bounds | None = None

    def run(self, job: Job, shutdown: Shutdown) -> Result:
        """Raises ConfigurationError when the lock's table is not there, or may not be used."""
        result = self._attempt(job, shutdown)
        metrics.count("worker_runs", outcome=result.ended.value)
        return result

    def abandoned(self) -> None:
        """Take note that the job has outlasted the shutdown budget: the process ends under it."""
        broken = self._bounds.broken if self._bounds else None
        metrics.count("worker_runs", outcome=(broken or Ended.ABANDONED).value)
        metrics.flush()

    def _attempt(self, job: Job, shutdown: Shutdown) -> Result:
        if shutdown.requested.is_set():
            return _not_started(shutdown)
        if self._lock is None:
            return self._execute(job, shutdown, None)
        try:
            lease = self._acquired(self._lock, shutdown)
        except RemoteError as error:
            log.error("worker.failed", error=error, reason="its lock could not be taken")
            return Result(Ended.FAILED, "its lock could not be taken", error)
        if isinstance(lease, Held):
            return self._held(lease)
        if lease is None:
            return _not_started(shutdown)
        return self._execute(job, shutdown, lease)

    def _acquired(self, lock: TableLock, shutdown: Shutdown) -> Lease | Held | None:
        try:
            return lock.acquire(shutdown.requested.wait)
        except PermanentError as error:
            raise ConfigurationError(
                f"an exclusive worker needs the table of its lock: {error}; it is declared with the worker: "
                "create it as the other tables (`blackcat dev` does), and let the role get and put its items"
            ) from error

    def _execute(self, job: Job, shutdown: Shutdown, lease: Lease | None) -> Result:
        bounds = self._bounds = Bounds(
            shutdown=shutdown, clock=self._clock, deadline=self._deadline, lease=lease
        )
        run = Run(
            bounds=bounds,
            clock=self._clock,
            scheduled_at=self._scheduled_at,
            fencing_token=lease.token if lease else None,
        )
        self._tell_start(lease)
        began = self._clock.monotonic()
        with _kept(bounds, lease, shutdown):
            error = _failure(job, run)
        result = _result(run, bounds, shutdown, error)
        if lease is not None:
            result = _released(lease, result, shutdown)
        seconds = self._clock.monotonic() - began
        metrics.observe("worker_duration_seconds", seconds)
        if lease is not None and result.ended is Ended.FINISHED:
            metrics.gauge("worker_since_success_seconds", 0)
        _tell(result, round(seconds * 1000))
        return result

    def _held(self, held: Held) -> Result:
        reason = f"{held.holder} holds the lock until {held.until:%Y-%m-%d %H:%M:%S} UTC unless it renews it"
        told: dict[str, Any] = {"holder": held.holder, "since": held.since, "until": held.until}
        log.warning("worker.lock_held", reason=reason, **(told | self._since_success(held)))
        return Result(Ended.LOCK_HELD, reason)

    def _tell_start(self, lease: Lease | None) -> None:
        # What is named a token is masked in logs.
        fields = {"fencing": lease.token, **self._since_success(lease)} if lease else {}
        log.info("worker.started", **fields)

    def _since_success(self, lock: Lease | Held) -> dict[str, Any]:
        """For the line that is logged; nothing before the first success."""
        if lock.last_success is None:
            return {}
        # The clocks of two machines may differ.
        seconds = max(0.0, (self._clock.now() - lock.last_success).total_seconds())
        metrics.gauge("worker_since_success_seconds", seconds)
        return {"seconds_since_success": round(seconds, 1)}


def _failure(job: Job, run: Run) -> BaseException | None:
    try:
        job(run)
    except BaseException as error:  # SystemExit too: only returning is success
        return error
    return None


def _result(run: Run, bounds: Bounds, shutdown: Shutdown, error: BaseException | None) -> Result:
    if bounds.broken is not None:
        return Result(bounds.broken, shutdown.reason, error)
    if error is not None or shutdown.failure is not None:
        found = error or shutdown.failure
        return Result(Ended.FAILED, described(found) if found else "", found)
    return Result(Ended.STOPPED, shutdown.reason) if run.noticed else Result(Ended.FINISHED)


def _released(lease: Lease, result: Result, shutdown: Shutdown) -> Result:
    # The rest is for the process, which has to end by then.
    seconds = min(RELEASE_SECONDS, shutdown.remaining() / 2)
    release = _begun_release(lease, succeeded=result.ended is Ended.FINISHED)
    try:
        ours = release.result(seconds)
    except NoAnswer:
        reason = f"its table has not answered for {seconds:.1f} seconds; the lease runs out by itself"
        log.warning("worker.lock_not_released", reason=reason, left_seconds=round(lease.left, 1))
        return result
    except RemoteError as error:
        log.warning("worker.lock_not_released", error=error, left_seconds=round(lease.left, 1))
        return result
    if ours or result.ended is Ended.LOCK_LOST:
        return result
    reason = f"{lease.loss}, before this run ended"
    log.error("worker.lock_lost", reason=reason)
    return replace(result, ended=Ended.LOCK_LOST, reason=reason)


def _begun_release(lease: Lease, *, succeeded: bool) -> Future[bool]:
    """Nobody waits for its thread once the process ends."""
    answer: Future[bool] = Future()

    def release() -> None:
        try:
            answer.set_result(lease.release(succeeded=succeeded))
        except BaseException as error:
            answer.set_exception(error)

    Thread(target=copy_context().run, args=(release,), name="release", daemon=True).start()
    return answer


@contextmanager
def _kept(bounds: Bounds, lease: Lease | None, shutdown: Shutdown) -> Iterator[None]:
    """Threads of their own watch the bounds and renew the lease meanwhile."""
    over = Event()
    threads = Threads(shutdown)
    try:
        if bounds.look() is not None:
            threads.start("bounds", lambda: _watch(bounds, over))
        if lease is not None:
            threads.start("lease", lambda: _renew(lease, bounds, over))
        yield
    finally:
        over.set()


def _watch(bounds: Bounds, over: Event) -> None:
    seconds = bounds.look()
    while seconds is not None and not over.wait(seconds):
        seconds = bounds.look()


def _renew(lease: Lease, bounds: Bounds, over: Event) -> None:
    while not over.wait(lease.interval):
        try:
            if not lease.renew():
                bounds.lost(lease.loss)
                return
        except RemoteError as error:
            log.warning("worker.lock_not_renewed", error=error, left_seconds=round(lease.left, 1))


def _not_started(shutdown: Shutdown) -> Result:
    log.info("worker.not_started", reason=shutdown.reason)
    return Result(Ended.NOT_STARTED, shutdown.reason)


def _tell(result: Result, duration_ms: int) -> None:
    if result.error is not None:
        log.error("worker.failed", error=result.error, duration_ms=duration_ms)
    elif result.ended is Ended.FINISHED:
        log.info("worker.finished", duration_ms=duration_ms)
    else:
        log.info("worker.stopped", reason=result.reason, duration_ms=duration_ms)
