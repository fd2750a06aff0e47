"""One process of a service: asked to end, then made to."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Protocol

from blackcat.application.ports import Clock


class Process(Protocol):
    """A process that was started."""

    def poll(self) -> int | None:
        """Its exit status once it has ended, negative for the signal that ended it."""
        ...

    def terminate(self) -> None:
        """Ask it to end (SIGTERM)."""
        ...

    def kill(self) -> None:
        """End it and all that it started (SIGKILL)."""
        ...


Launch = Callable[[], Process]
Say = Callable[[str], None]


class Run:
    """A started process, with the time that it may take to stop."""

    def __init__(self, process: Process, *, clock: Clock, patience_seconds: float, say: Say) -> None:
        self._process = process
        self._clock = clock
        self._patience = patience_seconds
        self._say = say
        self._started = clock.monotonic()
        self._killed_at: float | None = None

    @property
    def lasted(self) -> float:
        """Seconds since its start."""
        return self._clock.monotonic() - self._started

    def stop(self) -> None:
        if self._killed_at is None:
            self._killed_at = self._clock.monotonic() + self._patience
            self._process.terminate()

    def status(self) -> int | None:
        """The exit status; None while it runs. What was asked to stop and takes too long is killed."""
        status = self._process.poll()
        if status is None and self._killed_at is not None and self._clock.monotonic() >= self._killed_at:
            self._say(f"has not stopped within {self._patience:.0f} seconds: killed")
            self._killed_at = None
            self._process.kill()
        return status


def ended_with(status: int) -> str:
    """How a process ended, in words."""
    if status >= 0:
        return f"ended with status {status}"
    try:
        return f"was ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"was ended by signal {-status}"
