"""The checks of a service: run when a probe asks, each in a thread of its own, never twice at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from threading import Event, Lock, Thread
from typing import Any

from blackcat.application.entrypoint import load, worker_entrypoint
from blackcat.application.handler import described
from blackcat.application.ports import Clock, Resolver
from blackcat.domain.health import Check, HealthReport

# Probes of several balancers and orchestrators share a run.
_KEPT_SECONDS = 1.0
# One line is enough for a person to know where to look.
_LONGEST_REASON = 200

Redact = Callable[[str], str]


class Health:
    """What the three probes are told of a process.

    ``report`` tells whether the process itself works, ``stopping`` whether it was asked to stop.
    """

    def __init__(
        self, *, report: Callable[[], HealthReport], checks: Checks, stopping: Callable[[], bool]
    ) -> None:
        self._report = report
        self._checks = checks
        self._stopping = stopping

    def live(self) -> HealthReport:
        """The process itself: when this fails, a restart helps."""
        return self._report()

    def ready(self) -> HealthReport:
        """Live, not stopping, and all checks pass: when this fails, others should do the work."""
        report = self._report()
        return replace(report, reasons=(*report.reasons, *self._stop_reason(), *self._checks.failures()))

    def overall(self) -> HealthReport:
        """Live and not stopping; a check that fails degrades it, for a restart would not help."""
        report = self._report()
        return replace(
            report,
            reasons=(*report.reasons, *self._stop_reason()),
            degraded=(*report.degraded, *self._checks.failures()),
        )

    def _stop_reason(self) -> tuple[str, ...]:
        return ("it was asked to stop",) if self._stopping() else ()


class Checks:
    """Runs all checks at once and waits for the slowest of them, at most for its timeout."""

    def __init__(self, checks: Iterable[_Repeated]) -> None:
        self._checks = tuple(checks)

    def failures(self) -> tuple[str, ...]:
        """Why each failing check fails; results are kept for a second."""
        runs = [check.current() for check in self._checks]
        return tuple(reason for run in runs if (reason := run.failure()))


def checks_of(
    declared: Iterable[Check], resolver: Resolver | None, *, subject: str, clock: Clock, redact: Redact
) -> Checks:
    """Build the declared checks, their needs injected. Raises EntrypointError or InjectionError."""
    calls = {check: _call_of(check, resolver, f"check '{check.name}' of {subject}") for check in declared}
    return Checks(_Repeated(partial(_Run, check, call, clock, redact)) for check, call in calls.items())


def _call_of(check: Check, resolver: Resolver | None, subject: str) -> Callable[[], Any]:
    return worker_entrypoint(load(check.entrypoint, subject=subject), resolver, subject=subject)


class _Repeated:
    """The runs of one check, one after the other."""

    def __init__(self, start: Callable[[], _Run]) -> None:
        self._start = start
        self._lock = Lock()
        self._run: _Run | None = None

    def current(self) -> _Run:
        """The run that is under way or ended less than a second ago, or else a new one."""
        with self._lock:
            if self._run is None or self._run.is_old():
                self._run = self._start()
            return self._run


class _Run:
    """One run of a check. What hangs stays in its thread, which ends with the process."""

    def __init__(self, check: Check, call: Callable[[], Any], clock: Clock, redact: Redact) -> None:
        self._name = check.name
        self._timeout = check.timeout.total_seconds()
        self._call = call
        self._clock = clock
        self._redact = redact
        self._began = clock.monotonic()
        self._ended_at = 0.0
        self._ended = Event()
        self._problem: str | None = None
        Thread(target=self._work, name=f"check-{check.name}", daemon=True).start()

    def is_old(self) -> bool:
        return self._ended.is_set() and self._clock.monotonic() - self._ended_at >= _KEPT_SECONDS

    def failure(self) -> str | None:
        """Why the check fails; None when it passes. Waits until the timeout of the run is over."""
        left = self._timeout - (self._clock.monotonic() - self._began)
        if not self._ended.wait(max(0.0, left)):
            age = self._clock.monotonic() - self._began
            return f"check '{self._name}' has not answered for {age:.1f} s, longer than {self._timeout:g} s"
        return f"check '{self._name}' {self._problem}" if self._problem else None

    def _work(self) -> None:
        try:
            passed = self._call() is not False
            self._problem = None if passed else "failed"
        except BaseException as error:  # SystemExit too: it would pass for success
            # Redacted before it is cut: half a secret would not be known.
            self._problem = f"failed: {self._redact(described(error))[:_LONGEST_REASON]}"
        self._ended_at = self._clock.monotonic()
        if self._ended_at - self._began > self._timeout and not self._problem:
            took = self._ended_at - self._began
            self._problem = f"took {took:.1f} s, longer than {self._timeout:g} s"
        self._ended.set()
