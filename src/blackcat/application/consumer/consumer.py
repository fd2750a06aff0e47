"""The consumer of one queue."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from random import Random

from blackcat.application.consumer.keeper import Keeper
from blackcat.application.consumer.leases import LeaseBook
from blackcat.application.consumer.permits import Permits
from blackcat.application.consumer.poller import Poller
from blackcat.application.consumer.settlement import Settlement
from blackcat.application.consumer.workers import Lane, Workers
from blackcat.application.events import EventLog
from blackcat.application.ports import Broker, Clock, Queue, QueueDescription
from blackcat.application.shutdown import Shutdown
from blackcat.application.threads import Threads
from blackcat.domain.envelope import unwrapped
from blackcat.domain.health import HealthReport
from blackcat.domain.message import Message
from blackcat.domain.outcome import Outcome, Retried
from blackcat.domain.retry import RetryPolicy
from blackcat.errors import ConfigurationError, PermanentError, TransientError
from blackcat.resources import FIFO_SUFFIX

log = EventLog(__name__)

# What a stop keeps back of its budget, to flush deletes and release what is still held.
_FLUSH_SECONDS = 2.0

_OPENING = RetryPolicy(base=timedelta(seconds=0.5), longest=timedelta(seconds=10))


@dataclass(frozen=True)
class ConsumerOptions:
    """How a consumer works: handlers at once, long poll (up to 20 seconds), longest lease."""

    concurrency: int = 10
    wait: timedelta = timedelta(seconds=10)
    max_handling: timedelta = timedelta(minutes=15)


class Consumer:
    """Receives, handles and settles messages until it is told to stop.

    At least once: a message is deleted only after its handler returned, or after a copy with the
    reason stands in the dead-letter queue. A stop finishes what runs, within the shutdown's budget,
    and gives back the rest.
    """

    def __init__(
        self,
        *,
        service: str,
        broker: Broker,
        queue_name: str,
        handle: Callable[[Message], Outcome],
        retry: RetryPolicy,
        options: ConsumerOptions,
        clock: Clock,
        random: Random,
        redact: Callable[[str], str],
    ) -> None:
        self._service = service
        self._broker = broker
        self._queue_name = queue_name
        self._handle = handle
        self._retry = retry
        self._options = options
        self._clock = clock
        self._random = random
        self._redact = redact
        self._opening_problem = "it has not started yet"
        self._running: _Running | None = None

    def run(self, shutdown: Shutdown) -> None:
        """Work until ``shutdown`` is requested, then drain.

        Raises ConfigurationError when the queue does not exist or may not be read, and whatever a
        thread died of. A queue that cannot be reached is tried again until it can.
        """
        description = self._open(shutdown)
        if description is None:
            return
        running = _Running(self._parts(description), shutdown)
        self._running = running
        log.info("consumer.started", queue=self._queue_name, concurrency=self._options.concurrency)
        shutdown.wait()
        log.info("consumer.stopping", reason=shutdown.reason, budget_seconds=round(shutdown.remaining()))
        running.drain()
        log.info("consumer.stopped", **running.counts())
        if shutdown.failure:
            raise shutdown.failure

    def health(self) -> HealthReport:
        """Whether messages are being taken in and handled, told from what the threads really do."""
        if self._running is None:
            problem = f"queue '{self._queue_name}' is not open: {self._opening_problem}"
            return HealthReport(self._service, reasons=(self._redact(problem),))
        report = self._running.health(self._service)
        return HealthReport(report.service, tuple(map(self._redact, report.reasons)), report.details)

    def _open(self, shutdown: Shutdown) -> QueueDescription | None:
        failures = 0
        while not shutdown.requested.is_set():
            try:
                return self._broker.describe(self._queue_name)
            except TransientError as error:
                failures += 1
                self._opening_problem = str(error)
                delay = _OPENING.delay(failures, self._random).total_seconds()
                log.warning("queue.open_failed", error=error, retry_in_seconds=round(delay, 1))
                shutdown.wait(delay)
            except PermanentError as error:
                raise ConfigurationError(f"consumer '{self._service}' cannot open its queue: {error}") from error
        return None

    def _parts(self, description: QueueDescription) -> _Parts:
        queue = self._broker.queue(self._queue_name)
        leases = LeaseBook(visibility=description.visibility_timeout, longest=self._options.max_handling)
        keeper = Keeper(queue=queue, leases=leases, clock=self._clock)
        target = description.dead_letter_queue
        settlement = Settlement(
            service=self._service,
            queue=queue,
            dead_letters=self._broker.queue(target) if target else None,
            leases=leases,
            retry=self._retry,
            random=self._random,
            clock=self._clock,
            redact=self._redact,
            wake_keeper=keeper.wake,
        )
        return _Parts(queue, leases, keeper, settlement, self._handle, self._options, self._clock, self._random)


@dataclass(frozen=True)
class _Parts:
    queue: Queue
    leases: LeaseBook
    keeper: Keeper
    settlement: Settlement
    handle: Callable[[Message], Outcome]
    options: ConsumerOptions
    clock: Clock
    random: Random


class _Running:
    """A consumer at work: its threads, from their start to the end of the drain."""

    def __init__(self, parts: _Parts, shutdown: Shutdown) -> None:
        self._parts = parts
        self._shutdown = shutdown
        self._threads = Threads(shutdown)
        self._fifo = parts.queue.name.endswith(FIFO_SUFFIX)
        self._permits = Permits(parts.options.concurrency)
        self._workers = Workers(
            count=parts.options.concurrency, handle=self._handle_lane, threads=self._threads, clock=parts.clock
        )
        self._poller = Poller(
            queue=parts.queue,
            permits=self._permits,
            deliver=self._deliver,
            wait=parts.options.wait,
            stopping=shutdown.requested,
            clock=parts.clock,
            random=parts.random,
        )
        self._workers.start()
        self._keeping = self._threads.start("keeper", lambda: parts.keeper.run(parts.settlement))
        self._polling = self._threads.start("poller", self._poller.run)

    def counts(self) -> dict[str, int]:
        return self._parts.settlement.counts()

    def health(self, service: str) -> HealthReport:
        now = self._parts.clock.monotonic()
        running = self._workers.running()
        oldest = max((now - began for began, _ in running), default=0.0)
        stopping = self._shutdown.requested.is_set()
        reasons = [] if stopping else self._poller.problems(now)
        longest = self._parts.options.max_handling.total_seconds()
        if oldest > longest:
            reasons.append(f"a handler has been running for {round(oldest)} seconds, longer than {round(longest)}")
        states = self._threads.states()
        if not stopping:
            reasons.extend(f"thread '{name}' has ended" for name, state in states.items() if state != "alive")
        details = {
            "queue": self._parts.queue.name,
            "stopping": stopping,
            "seconds_since_poll": self._poller.seconds_since_success(now),
            "oldest_handler_seconds": round(oldest, 1),
            "in_flight": len(self._parts.leases),
            "threads": states,
            **self.counts(),
        }
        return HealthReport(service, tuple(reasons), details)

    def drain(self) -> None:
        """Stop polling, finish what runs, delete what is done, give back the rest: in this order."""
        self._permits.close()
        self._release_lanes(self._workers.close())
        self._polling.join(self._shutdown.remaining())
        finished = self._workers.wait(self._left_before_flush())
        self._parts.settlement.drain(has_time=lambda: self._shutdown.remaining() > 0)
        if not finished:
            self._abandon()
        self._parts.keeper.close()
        self._keeping.join(self._shutdown.remaining())

    def _abandon(self) -> None:
        lanes = [lane for _, lane in self._workers.running()]
        unsettled = [message for lane in lanes for message in lane if message.receipt in self._parts.leases]
        log.error("messages.abandoned", count=len(unsettled), reason="the shutdown budget ran out")
        self._release(unsettled)

    def _left_before_flush(self) -> float:
        return max(self._shutdown.remaining() - _FLUSH_SECONDS, 0.0)

    def _deliver(self, received: Sequence[Message]) -> None:
        self._parts.leases.hold(received, self._parts.clock.monotonic())
        lanes = self._lanes([unwrapped(message) for message in received])
        # A poll that was under way when the stop came brings messages that nobody will handle.
        self._release_lanes(self._workers.submit(lanes))

    def _lanes(self, messages: Sequence[Message]) -> list[Lane]:
        if not self._fifo:
            return [(message,) for message in messages]
        groups: dict[str | None, list[Message]] = {}
        for message in messages:
            groups.setdefault(message.group_id, []).append(message)
        return list(groups.values())

    def _release_lanes(self, lanes: Sequence[Lane]) -> None:
        self._release([message for lane in lanes for message in lane])

    def _release(self, messages: Sequence[Message]) -> None:
        self._parts.settlement.release(messages)
        self._permits.give_back(len(messages))

    def _handle_lane(self, lane: Lane) -> None:
        for position, message in enumerate(lane):
            if position and self._shutdown.requested.is_set():
                self._release(lane[position:])
                return
            done = self._parts.settlement.settle(message, self._outcome(message))
            self._permits.give_back(1)
            if not done and self._fifo:
                # Nothing later of the group may go before the one that comes back.
                self._release(lane[position + 1 :])
                return

    def _outcome(self, message: Message) -> Outcome:
        try:
            return self._parts.handle(message)
        except BaseException as error:  # a middleware failed: the message is not lost for it
            return Retried(f"{type(error).__name__}: {error}", error)
