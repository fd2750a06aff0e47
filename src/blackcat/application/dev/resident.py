"""A consumer or an API in dev: it always runs, with the newest code that can run."""

from __future__ import annotations

from collections.abc import Callable

from blackcat.application.dev.runs import Launch, Run, Say, ended_with
from blackcat.application.ports import Clock

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0
# Who ran this long has started well: the next crash is a first one again.
STEADY_SECONDS = 60.0

_DONE = 0
_CONFIGURATION = 78


class Resident:
    """Starts a service again when it crashed, after a pause that doubles, and when its code changed.

    What ends with status 78 (its configuration is wrong) or 0 would only do so again: it waits for an
    edit, unless ``moved`` says that it may do better now: its port was taken, and it has another.
    ``look`` is called every now and then; all happens in it.
    """

    def __init__(
        self,
        *,
        launch: Launch,
        clock: Clock,
        patience_seconds: float,
        say: Say,
        moved: Callable[[], bool] = lambda: False,
    ) -> None:
        self._launch = launch
        self._moved = moved
        self._clock = clock
        self._patience = patience_seconds
        self._say = say
        self._run: Run | None = None
        self._starts_at: float | None = None
        self._crashes = 0
        self._replaced = False
        self._stopping = False

    @property
    def running(self) -> bool:
        return self._run is not None

    @property
    def stopped(self) -> bool:
        """Whether it has ended after ``stop``."""
        return self._stopping and self._run is None

    def start(self) -> None:
        self._starts_at = self._clock.monotonic()

    def restart(self) -> None:
        """With new code: what runs finishes first."""
        self._crashes = 0
        if self._run is None:
            self.start()
        else:
            self._replaced = True
            self._run.stop()

    def stop(self) -> None:
        self._stopping = True
        self._starts_at = None
        if self._run is not None:
            self._run.stop()

    def look(self, *, may_start: bool = True) -> None:
        """Take note of an end; start what is due, if it may."""
        if self._run is not None:
            status = self._run.status()
            if status is not None:
                lasted, self._run = self._run.lasted, None
                self._ended(status, lasted)
        if may_start and self._run is None and self._is_due():
            self._starts_at = None
            self._run = Run(self._launch(), clock=self._clock, patience_seconds=self._patience, say=self._say)

    def _is_due(self) -> bool:
        return self._starts_at is not None and self._clock.monotonic() >= self._starts_at

    def _ended(self, status: int, lasted: float) -> None:
        if self._stopping:
            return
        if self._replaced:
            self._replaced = False
            self.start()
        elif status == _CONFIGURATION and self._moved():
            self.start()
        elif status == _CONFIGURATION:
            self._say("cannot start as it is configured: it starts again at the next edit")
        elif status == _DONE:
            self._say("has ended by itself: it starts again at the next edit")
        else:
            self._crashed(status, lasted)

    def _crashed(self, status: int, lasted: float) -> None:
        self._crashes = 1 if lasted >= STEADY_SECONDS else self._crashes + 1
        pause = min(FIRST_PAUSE_SECONDS * 2 ** (self._crashes - 1), LONGEST_PAUSE_SECONDS)
        self._starts_at = self._clock.monotonic() + pause
        self._say(f"crashed: it {ended_with(status)}; it starts again in {pause:.0f} s, or at the next edit")
