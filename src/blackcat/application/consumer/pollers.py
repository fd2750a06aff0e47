"""The pollers: they ask the queue for as many messages as can start now."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from datetime import timedelta
from random import Random
from threading import Event, Lock, get_ident

from blackcat.application.consumer.permits import Permits
from blackcat.application.consumer.rate import RateLimiter
from blackcat.application.events import EventLog
from blackcat.application.ports import Clock, Queue
from blackcat.application.threads import Threads
from blackcat.domain.message import MAX_PER_RECEIVE, Message
from blackcat.domain.retry import RetryPolicy
from blackcat.errors import RemoteError

log = EventLog("blackcat.consumer")

# How long polls may fail, or take beyond their wait, before a probe is told.
POLL_GRACE_SECONDS = 20.0
# An answer that comes this long after the poll's end may have been on its way, or we were paused: the
# visibility timeout of its messages may have run out meanwhile.
_SLOW_ANSWER_SECONDS = 1.0
# How often a paused poller looks whether it may go on.
_PAUSE_SECONDS = 0.1

_AFTER_ERRORS = RetryPolicy(base=timedelta(seconds=0.5), longest=timedelta(seconds=20))


class Pollers:
    """Loops of long polls: one while the queue is idle, more while full answers leave permits free.

    ``limit`` says how many messages a poll may ask for now, 0 to pause. Errors of the queue back off
    with jitter and never end them.
    """

    def __init__(
        self,
        *,
        queue: Queue,
        permits: Permits,
        limit: Callable[[], int],
        on_received: Callable[[int], None],
        rate: RateLimiter,
        most: int,
        deliver: Callable[[Sequence[Message], bool], None],
        wait: timedelta,
        stopping: Event,
        threads: Threads,
        clock: Clock,
        random: Random,
    ) -> None:
        self._queue = queue
        self._permits = permits
        self._limit = limit
        self._on_received = on_received
        self._rate = rate
        self._most = most
        self._deliver = deliver
        self._wait = wait
        self._stopping = stopping
        self._threads = threads
        self._clock = clock
        self._random = random
        self._lock = Lock()
        self._alive = 0
        self._numbers = itertools.count()
        self._failures = 0
        self._last_error = ""
        self._last_success: float | None = None
        self._trying_since: dict[int, float] = {}

    def start(self) -> None:
        """Start one more, unless there are enough."""
        with self._lock:
            if self._alive >= self._most or self._stopping.is_set():
                return
            self._alive += 1
            self._threads.start(f"poller-{next(self._numbers)}", self._run)

    def join(self, timeout: float) -> None:
        self._threads.join("poller-", timeout)

    def problems(self, now: float) -> list[str]:
        """Why polling is not healthy. Waiting for a permit, while all handlers are busy, is."""
        if self._last_success is None:
            return [f"no poll of queue '{self._queue.name}' has succeeded yet{self._cause()}"]
        with self._lock:
            longest = max((now - since for since in self._trying_since.values()), default=0.0)
        overdue_after = self._wait.total_seconds() + POLL_GRACE_SECONDS
        silence = now - self._last_success
        if min(longest, silence) <= overdue_after:
            return []
        return [f"no poll of queue '{self._queue.name}' has succeeded for {silence:.0f} s{self._cause()}"]

    def seconds_since_success(self, now: float) -> float | None:
        return None if self._last_success is None else round(now - self._last_success, 1)

    def _cause(self) -> str:
        return f": {self._last_error}" if self._last_error else ""

    def _run(self) -> None:
        while not self._stopping.is_set():
            limit = self._limit()
            if limit == 0:
                self._stopping.wait(_PAUSE_SECONDS)
                continue
            permits = self._permits.take(limit)
            if permits and self._is_surplus(self._poll(permits)):
                return

    def _is_surplus(self, received: int | None) -> bool:
        """Grow while answers are full, shrink when one was empty; ends this one when it is not needed."""
        if received == MAX_PER_RECEIVE and self._permits.free:
            self.start()
        if received == 0:
            with self._lock:
                if self._alive > 1:
                    self._alive -= 1
                    return True
        return False

    def _poll(self, permits: int) -> int | None:
        """How many messages came; None when the poll failed."""
        if self._stopping.is_set():
            return None
        allowed = self._rate.take(permits, self._stopping)
        self._permits.give_back(permits - allowed)
        if not allowed:
            return None
        asked_at = self._clock.monotonic()
        self._trying_since.setdefault(get_ident(), asked_at)
        wait = self._next_wait()
        try:
            messages = self._queue.receive(limit=allowed, wait=wait)
        except RemoteError as error:
            self._give_back(allowed)
            self._back_off(error)
            return None
        self._succeeded()
        self._give_back(allowed - len(messages))
        if messages:
            self._on_received(len(messages))
            took = self._clock.monotonic() - asked_at
            self._deliver(messages, took > wait.total_seconds() + _SLOW_ANSWER_SECONDS)
        return len(messages)

    def _next_wait(self) -> timedelta:
        # The first answer comes at once: a probe need not wait for a whole long poll to see that it works.
        return self._wait if self._last_success is not None else timedelta(0)

    def _give_back(self, count: int) -> None:
        self._permits.give_back(count)
        self._rate.give_back(count)

    def _succeeded(self) -> None:
        self._trying_since.pop(get_ident(), None)
        self._last_success = self._clock.monotonic()
        if self._failures:
            log.info("queue.recovered", queue=self._queue.name, failed_polls=self._failures)
            self._failures = 0
            self._last_error = ""

    def _back_off(self, error: RemoteError) -> None:
        self._failures += 1
        self._last_error = str(error)
        delay = _AFTER_ERRORS.delay(self._failures, self._random).total_seconds()
        log.warning(
            "queue.poll_failed", error=error, failures=self._failures, retry_in_seconds=round(delay, 1)
        )
        self._stopping.wait(delay)
