"""The numbers of a consumer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from threading import Event, Lock
from time import perf_counter

from blackcat.application.events import EventLog
from blackcat.application.metrics import metrics
from blackcat.application.ports import Broker, Clock
from blackcat.domain.message import Message

log = EventLog("blackcat.consumer")

# Seconds. A call that fails takes minutes with its attempts: what was known before is no longer now.
_ANSWERED_WITHIN = 5.0


class Measured:
    """What a consumer's messages cost. What it counts anyway is read when numbers are collected.

    Made once metrics are chosen: it looks at them no more.
    """

    def __init__(
        self, *, counts: Callable[[], Mapping[str, int]], in_flight: Callable[[], int], clock: Clock
    ) -> None:
        self.enabled = metrics.enabled
        self._clock = clock
        self._observe_duration = metrics.observer("handler_duration_seconds")
        self._observe_age = metrics.observer("queue_age_seconds")
        self._lock = Lock()
        self._handlers = 0
        self._seconds = 0.0
        if self.enabled:
            metrics.watch(
                totals=lambda: {f"messages_{name}": count for name, count in counts().items()},
                gauges=lambda: {"messages_in_flight": in_flight()},
            )

    def received(self, messages: Sequence[Message]) -> None:
        metrics.count("messages_received", len(messages))

    def began(self, message: Message) -> float:
        """Its handler begins now; returns what ``ended`` wants to know."""
        if message.sent_at is not None:
            # By two machines' clocks.
            self._observe_age(max(0.0, (self._clock.now() - message.sent_at).total_seconds()))
        return perf_counter()

    def ended(self, began: float) -> None:
        seconds = perf_counter() - began
        self._observe_duration(seconds)
        with self._lock:
            self._handlers += 1
            self._seconds += seconds

    def mean_duration(self) -> float | None:
        """Seconds that a handler took on average since this was last asked; None when none ended."""
        with self._lock:
            mean = self._seconds / self._handlers if self._handlers else None
            self._handlers, self._seconds = 0, 0.0
        return mean


class Backlog:
    """How much waits in the queue, and the seconds that this process alone would need for it.

    Every process that consumes the queue tells the same depth: their number divides it. What could not
    be measured is not told, and nothing once the process stops: who scales on it sees no old depth.
    """

    def __init__(
        self,
        *,
        broker: Broker,
        queue_name: str,
        concurrency: int,
        mean_duration: Callable[[], float | None],
        every: float,
        seconds: Callable[[], float] = perf_counter,
    ) -> None:
        self._broker = broker
        self._queue_name = queue_name
        self._concurrency = concurrency
        self._mean_duration = mean_duration
        self._mean: float | None = None
        self._every = every
        self._seconds = seconds
        self._told: dict[str, float] = {}
        self._asking_since: float | None = None
        if metrics.enabled:
            metrics.watch(totals=dict, gauges=self._current)

    def run(self, stopping: Event) -> None:
        """Measure every so many seconds until told to stop."""
        self.measure()
        while not stopping.wait(self._every):
            self.measure()
        self._told = {}

    def _current(self) -> Mapping[str, float]:
        since = self._asking_since
        hangs = since is not None and self._seconds() - since > _ANSWERED_WITHIN
        return {} if hangs else self._told

    def measure(self) -> None:
        self._asking_since = self._seconds()
        try:
            waiting = self._broker.depth(self._queue_name).waiting
        except Exception as error:  # a number less is no reason to stop
            self._told = {}
            log.warning("backlog.not_measured", error=error, queue=self._queue_name)
            return
        finally:
            self._asking_since = None
        if (mean := self._mean_duration()) is not None:
            self._mean = mean
        told: dict[str, float] = {"queue_backlog": waiting}
        if self._mean is not None:
            told["queue_backlog_seconds"] = waiting * self._mean / self._concurrency
        self._told = told
