"""Protection from scale-in, for as long as a stop would cut a message off."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from random import Random
from threading import Event
from typing import Protocol

from blackcat.application.events import EventLog
from blackcat.application.metrics import metrics
from blackcat.application.ports import Clock
from blackcat.domain.retry import RetryPolicy
from blackcat.errors import PermanentError, RemoteError

log = EventLog("blackcat")

# What is done sooner needs no protection: a stop waits for it anyway. So a queue of short messages costs
# no call and holds up no deployment, however busy it is.
LONG_SECONDS = 10.0
# A release that comes right before the next long message would be two calls for nothing.
SETTLED_SECONDS = 30.0

_LOOK_SECONDS = 1.0
_DELAYS = RetryPolicy(base=timedelta(seconds=2), longest=timedelta(minutes=1))


class Protection(Protocol):
    """Keeps the platform from ending this process to scale in, or to replace it by a newer version."""

    def protect(self, duration: timedelta) -> None:
        """From now on for so long; asked again, it begins anew. Raises RemoteError."""
        ...

    def release(self) -> None:
        """End it. Raises RemoteError."""
        ...


@dataclass(frozen=True)
class Protected:
    """What the platform was told: since when it protects, and until when unless it is told again."""

    since: float
    until: float


class Step(Enum):
    """What to tell the platform now."""

    PROTECT = "protect"
    RENEW = "renew"
    RELEASE = "release"
    NOTHING = "nothing"


def next_step(protected: Protected | None, *, oldest: float, now: float) -> Step:
    """From the age in seconds of the oldest message in its handler (0 when there is none)."""
    wanted = oldest >= LONG_SECONDS
    if protected is None or protected.until <= now:
        return Step.PROTECT if wanted else Step.NOTHING
    if wanted and now - protected.since >= (protected.until - protected.since) / 2:
        return Step.RENEW
    if not wanted and now - protected.since >= SETTLED_SECONDS:
        return Step.RELEASE
    return Step.NOTHING


class Protector:
    """Asks for protection while a message takes long, in a thread of its own: no message waits for it.

    ``duration`` is the longest that a message may take: then one that began under a protection outlasts it
    only where renewing it fails. Failures are told once, and tried again up to a minute later.
    """

    def __init__(
        self,
        *,
        protection: Protection,
        oldest: Callable[[], float],
        duration: timedelta,
        clock: Clock,
        random: Random,
    ) -> None:
        self._protection = protection
        self._oldest = oldest
        self._duration = duration
        self._clock = clock
        self._random = random
        self._protected: Protected | None = None
        self._failures = 0
        self._next_try = 0.0
        self._given_up = False
        self._closed = Event()

    def run(self) -> None:
        """Until ``close``, or until asking is of no use; in the end what is still protected is released."""
        while not (self._given_up or self._closed.wait(_LOOK_SECONDS)):
            self.look()
        if self._protected is not None and not self._given_up:
            self._take(Step.RELEASE)

    def close(self) -> None:
        self._closed.set()

    def look(self) -> None:
        now = self._clock.monotonic()
        step = next_step(self._protected, oldest=self._oldest(), now=now)
        if step is not Step.NOTHING and now >= self._next_try:
            self._take(step)

    def _take(self, step: Step) -> None:
        asked_at = self._clock.monotonic()
        try:
            if step is Step.RELEASE:
                self._protection.release()
            else:
                self._protection.protect(self._duration)
        except RemoteError as error:
            self._failed(error, step)
            return
        released = step is Step.RELEASE
        self._protected = None if released else Protected(asked_at, asked_at + self._duration.total_seconds())
        if step is not Step.RENEW or self._failures:
            log.info("task.released" if released else "task.protected")
        self._failures = 0
        self._next_try = 0.0
        metrics.gauge("task_protected", 0 if released else 1)

    def _failed(self, error: RemoteError, step: Step) -> None:
        self._failures += 1
        delay = _DELAYS.delay(self._failures, self._random).total_seconds()
        self._next_try = self._clock.monotonic() + delay
        self._given_up = isinstance(error, PermanentError)
        if self._failures == 1 or self._given_up:
            log.warning(
                "task.protection_failed", error=error, step=step.value, tried_again=not self._given_up
            )
