"""The poller: asks the queue for as many messages as can start now."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from random import Random
from threading import Event

from blackcat.application.consumer.permits import Permits
from blackcat.application.events import EventLog
from blackcat.application.ports import Clock, Queue
from blackcat.domain.message import MAX_PER_RECEIVE, Message
from blackcat.domain.retry import RetryPolicy
from blackcat.errors import RemoteError

log = EventLog(__name__)

# How long polls may fail, or take beyond their wait, before a probe is told.
POLL_GRACE_SECONDS = 20.0

_AFTER_ERRORS = RetryPolicy(base=timedelta(seconds=0.5), longest=timedelta(seconds=20))


class Poller:
    """One loop of long polls. Errors of the queue back off with jitter and never end it."""

    def __init__(
        self,
        *,
        queue: Queue,
        permits: Permits,
        deliver: Callable[[Sequence[Message]], None],
        wait: timedelta,
        stopping: Event,
        clock: Clock,
        random: Random,
    ) -> None:
        self._queue = queue
        self._permits = permits
        self._deliver = deliver
        self._wait = wait
        self._stopping = stopping
        self._clock = clock
        self._random = random
        self._failures = 0
        self._last_error = ""
        self._last_success: float | None = None
        self._trying_since: float | None = None

    def run(self) -> None:
        while not self._stopping.is_set():
            permits = self._permits.take(MAX_PER_RECEIVE)
            if permits:
                self._poll(permits)

    def problems(self, now: float) -> list[str]:
        """Why polling is not healthy. Waiting for a permit, while all handlers are busy, is."""
        since = self._trying_since
        if self._last_success is None:
            return [f"no poll of queue '{self._queue.name}' has succeeded yet{self._cause()}"]
        if since is None or now - max(since, self._last_success) <= self._overdue_after():
            return []
        silence = round(now - self._last_success)
        return [f"no poll of queue '{self._queue.name}' has succeeded for {silence} seconds{self._cause()}"]

    def seconds_since_success(self, now: float) -> float | None:
        return None if self._last_success is None else round(now - self._last_success, 1)

    def _overdue_after(self) -> float:
        return self._wait.total_seconds() + POLL_GRACE_SECONDS

    def _cause(self) -> str:
        return f": {self._last_error}" if self._last_error else ""

    def _poll(self, permits: int) -> None:
        if self._trying_since is None:
            self._trying_since = self._clock.monotonic()
        try:
            messages = self._queue.receive(limit=permits, wait=self._wait)
        except RemoteError as error:
            self._permits.give_back(permits)
            self._back_off(error)
            return
        self._succeeded()
        self._permits.give_back(permits - len(messages))
        if messages:
            self._deliver(messages)

    def _succeeded(self) -> None:
        if self._failures:
            log.info("queue.recovered", queue=self._queue.name, failed_polls=self._failures)
        self._failures = 0
        self._last_error = ""
        self._last_success = self._clock.monotonic()
        self._trying_since = None

    def _back_off(self, error: RemoteError) -> None:
        self._failures += 1
        self._last_error = str(error)
        delay = _AFTER_ERRORS.delay(self._failures, self._random).total_seconds()
        log.warning(
            "queue.poll_failed", error=error, failures=self._failures, retry_in_seconds=round(delay, 1)
        )
        self._stopping.wait(delay)
