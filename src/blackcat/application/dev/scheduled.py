"""A worker in dev: one process per run, on its schedule."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from blackcat.application.dev.runs import Process, Run, Say, ended_with
from blackcat.application.ports import Clock
from blackcat.domain.schedule import Cron, Schedule

_DONE = 0
_LOCK_HELD = 75

LaunchRun = Callable[[datetime], Process]
"""Starts the run that was due then."""


class Scheduled:
    """Runs a worker when its schedule says so; one without a schedule runs once, at the start.

    A run that is due while the one before still runs is left out, and one that finds its lock held is
    skipped. A crash is only told: the next run comes on schedule, or, without a schedule, at the next
    edit. ``look`` is called every now and then.
    """

    def __init__(
        self,
        *,
        schedule: Schedule | None,
        launch: LaunchRun,
        clock: Clock,
        patience_seconds: float,
        say: Say,
    ) -> None:
        self._schedule = schedule
        self._launch = launch
        self._clock = clock
        self._patience = patience_seconds
        self._say = say
        self._run: Run | None = None
        self._next: datetime | None = None
        self._failed = False
        self._stopping = False

    @property
    def running(self) -> bool:
        return self._run is not None

    @property
    def stopped(self) -> bool:
        """Whether it has ended after ``stop``."""
        return self._stopping and self._run is None

    def start(self) -> None:
        """A ``rate`` begins at once, as EventBridge's does; a ``cron`` at the first time that it names."""
        now = self._clock.now()
        self._next = self._schedule.next_run(now) if isinstance(self._schedule, Cron) else now
        if isinstance(self._schedule, Cron):
            self._say(f"first run: {_shown(self._next)}")

    def restart(self) -> None:
        """With new code: the next run has it."""
        if self._schedule is None and self._failed:
            self._next = self._clock.now()

    def stop(self) -> None:
        self._stopping = True
        self._next = None
        if self._run is not None:
            self._run.stop()

    def look(self, *, may_start: bool = True) -> None:
        """Take note of an end; start what is due, if it may."""
        if self._run is not None:
            status = self._run.status()
            if status is not None:
                lasted, self._run = self._run.lasted, None
                self._ended(status, lasted)
        if may_start and self._next is not None and self._clock.now() >= self._next:
            due, self._next = self._next, self._following(self._next)
            self._begin(due)

    def _begin(self, due: datetime) -> None:
        if self._run is not None:
            self._say(f"still runs: the run of {_shown(due)} is left out")
            return
        self._run = Run(self._launch(due), clock=self._clock, patience_seconds=self._patience, say=self._say)

    def _following(self, due: datetime) -> datetime | None:
        """After ``due``; what passed meanwhile (this machine slept, say) is not made up for."""
        if self._schedule is None:
            return None
        following = self._schedule.next_run(due)
        now = self._clock.now()
        return following if following is None or following > now else self._schedule.next_run(now)

    def _ended(self, status: int, lasted: float) -> None:
        self._failed = status not in (_DONE, _LOCK_HELD)
        if self._stopping:
            return
        self._say(f"{_how(status)} after {lasted:.1f} s; {self._what_comes_next()}")

    def _what_comes_next(self) -> str:
        if self._schedule is None:
            return "it runs again at the next edit" if self._failed else "it runs once, without a schedule"
        return f"next run: {_shown(self._next)}"


def _how(status: int) -> str:
    if status == _LOCK_HELD:
        return "skipped, since another run holds its lock,"
    return "done" if status == _DONE else ended_with(status)


def _shown(time: datetime | None) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S} {time.tzinfo}" if time else "never again"
