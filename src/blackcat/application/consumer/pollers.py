"""The pollers: they ask the queue for as many messages as can start now."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from datetime import timedelta
from random import Random
from threading import Condition, Event, get_ident

from blackcat.application.consumer.permits import Permits
from blackcat.application.consumer.rate import RateLimiter
from blackcat.application.consumer.smoothed import Smoothed
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
_LATE_SECONDS = 1.0
# Full answers that come sooner are prompt: one poller brings 2,500 messages a second, and any thread
# beside it would only take the interpreter from the handlers. Those that come later are slow.
_PROMPT_SECONDS = 0.004
_SLOW_SECONDS = 0.006
# How often a paused poller looks whether it may go on.
_PAUSE_SECONDS = 0.1

_AFTER_ERRORS = RetryPolicy(base=timedelta(seconds=0.5), longest=timedelta(seconds=5))


class Pollers:
    """Loops of long polls: one while the queue is idle, more while full answers are slow to come.

    ``limit`` says how many messages a poll may ask for now, 0 to pause. ``deliver`` is told whether a
    batch came so late that its leases are in doubt, and whether ``help`` follows: a poller whose queue
    answers promptly handles messages too, before it polls again. Errors of the queue back off with
    jitter and never end a poller.
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
        deliver: Callable[[Sequence[Message], bool, bool], None],
        help: Callable[[], None],
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
        self._help = help
        self._wait = wait
        self._stopping = stopping
        self._threads = threads
        self._clock = clock
        self._random = random
        self._changed = Condition()
        self._polling = 0
        self._full_answers_take = Smoothed()
        self._numbers = itertools.count()
        self._failures = 0
        self._last_error = ""
        self._last_success: float | None = None
        self._trying_since: dict[int, float] = {}

    def start(self) -> None:
        """Start one more, unless enough are polling."""
        if self._joined():
            self._threads.start(f"poller-{next(self._numbers)}", self._run)

    def wait(self, timeout: float) -> None:
        """Once stopping: wait until no poll is open, nor its messages on their way."""
        with self._changed:
            self._changed.wait_for(lambda: not self._polling, timeout)

    def problems(self, now: float) -> list[str]:
        """Why polling is not healthy. Waiting for a permit, while all handlers are busy, is."""
        if self._last_success is None:
            return [f"no poll of queue '{self._queue.name}' has succeeded yet{self._cause()}"]
        with self._changed:
            longest = max((now - since for since in list(self._trying_since.values())), default=0.0)
        overdue_after = self._wait.total_seconds() + POLL_GRACE_SECONDS
        silence = now - self._last_success
        if min(longest, silence) <= overdue_after:
            return []
        return [f"no poll of queue '{self._queue.name}' has succeeded for {silence:.0f} s{self._cause()}"]

    def seconds_since_success(self, now: float) -> float | None:
        return None if self._last_success is None else round(now - self._last_success, 1)

    def _cause(self) -> str:
        return f": {self._last_error}" if self._last_error else ""

    def _joined(self) -> bool:
        """Whether there is room for this one."""
        most = 1 if self._is_prompt() else self._most
        with self._changed:
            room = self._polling < most and not self._stopping.is_set()
            self._polling += room
            return room

    def _left(self, others: int = 0) -> bool:
        """Whether this one polls no more; only if so many others do."""
        with self._changed:
            leaves = self._polling > others
            self._polling -= leaves
            self._changed.notify_all()
            return leaves

    def _run(self) -> None:
        going_on = True
        while going_on and not self._stopping.is_set():
            try:
                received = self._turn()
            except BaseException:
                self._left()
                raise
            going_on = not self._left(others=1) if received == 0 else True
            if received and self._is_prompt():
                # A handler may keep this one for long: whoever polls meanwhile takes its place.
                self._left()
                self._help()
                going_on = self._joined()
        if going_on:
            self._left()

    def _turn(self) -> int | None:
        """Poll once, if polling is not paused; how many messages came, None without an answer."""
        limit = self._limit()
        if limit == 0:
            self._stopping.wait(_PAUSE_SECONDS)
            return None
        return self._poll(self._still_wanted(self._permits.take(limit)))

    def _still_wanted(self, permits: int) -> int:
        """Waiting for permits takes time: the limit may have sunk meanwhile."""
        wanted = min(permits, self._limit())
        self._permits.give_back(permits - wanted)
        return wanted

    def _is_prompt(self) -> bool:
        return self._full_answers_take.value < _PROMPT_SECONDS

    def _poll(self, permits: int) -> int | None:
        """How many messages came; None when the poll failed."""
        if not permits or self._stopping.is_set():
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
            took = self._clock.monotonic() - asked_at
            if len(messages) == allowed:
                # A long poll that waited for its messages must not count as much as it took.
                self._full_answers_take.add(min(took, 5 * _SLOW_SECONDS))
            self._on_received(len(messages))
            self._deliver(messages, took > wait.total_seconds() + _LATE_SECONDS, self._is_prompt())
            self._grow(len(messages))
        return len(messages)

    def _grow(self, received: int) -> None:
        slow = self._full_answers_take.value > _SLOW_SECONDS
        if slow and received == MAX_PER_RECEIVE and self._permits.free:
            self.start()

    def _next_wait(self) -> timedelta:
        # The first answer comes at once: a probe need not wait for a whole long poll to see that it works.
        return self._wait if self._last_success is not None else timedelta(0)

    def _give_back(self, count: int) -> None:
        self._permits.give_back(count)
        self._rate.give_back(count)

    def _succeeded(self) -> None:
        self._trying_since.clear()  # also of who failed, and waits for a permit since
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
