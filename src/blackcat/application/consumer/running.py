"""A consumer at work: its threads, from their start to the end of the drain."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from blackcat.application.consumer.breaker import Breaker
from blackcat.application.consumer.keeper import Keeper
from blackcat.application.consumer.leases import LeaseBook
from blackcat.application.consumer.options import ConsumerOptions
from blackcat.application.consumer.permits import Permits
from blackcat.application.consumer.pollers import Pollers
from blackcat.application.consumer.rate import RateLimiter
from blackcat.application.consumer.settlement import Settlement
from blackcat.application.consumer.workers import Lane, Workers
from blackcat.application.events import EventLog
from blackcat.application.ports import Clock, Queue
from blackcat.application.shutdown import Shutdown
from blackcat.application.threads import Threads
from blackcat.domain.envelope import unwrapped
from blackcat.domain.health import HealthReport
from blackcat.domain.message import MAX_PER_RECEIVE, Message
from blackcat.domain.outcome import Outcome, Retried
from blackcat.resources import FIFO_SUFFIX

log = EventLog("blackcat.consumer")

# What a stop keeps back of its budget, to flush deletes and release what is still held.
_FLUSH_SECONDS = 2.0


@dataclass(frozen=True)
class Parts:
    """What a running consumer is made of."""

    queue: Queue
    leases: LeaseBook
    keeper: Keeper
    settlement: Settlement
    handle: Callable[[Message], Outcome]
    options: ConsumerOptions
    clock: Clock
    random: Random


class RunningConsumer:
    """A consumer at work: its threads, from their start to the end of the drain."""

    def __init__(self, parts: Parts, shutdown: Shutdown) -> None:
        self._parts = parts
        self._shutdown = shutdown
        self._threads = Threads(shutdown)
        self._fifo = parts.queue.name.endswith(FIFO_SUFFIX)
        self._permits = Permits(parts.options.concurrency)
        self._workers = Workers(
            count=parts.options.concurrency,
            handle=self._handle_lane,
            threads=self._threads,
            clock=parts.clock,
        )
        self._breaker = Breaker(policy=parts.options.circuit_breaker, clock=parts.clock)
        self._pollers = Pollers(
            queue=parts.queue,
            permits=self._permits,
            breaker=self._breaker,
            rate=RateLimiter(per_second=parts.options.rate_limit, clock=parts.clock),
            most=math.ceil(parts.options.concurrency / MAX_PER_RECEIVE),
            deliver=self._deliver,
            wait=parts.options.wait,
            stopping=shutdown.requested,
            threads=self._threads,
            clock=parts.clock,
            random=parts.random,
        )
        self._workers.start()
        self._threads.start("keeper", lambda: parts.keeper.run(parts.settlement))
        self._pollers.start()

    def counts(self) -> dict[str, int]:
        return self._parts.settlement.counts()

    def health(self, service: str) -> HealthReport:
        now = self._parts.clock.monotonic()
        running = self._workers.running()
        oldest = max((now - began for began, _ in running), default=0.0)
        stopping = self._shutdown.requested.is_set()
        threads = self._threads.states()
        paused = self._breaker.problem(now)
        reasons = [] if stopping else self._polling_problems(now, paused)
        reasons.extend(self._handler_problems(oldest))
        reasons.extend(f"thread '{name}' has died" for name, state in threads.items() if state != "alive")
        details = {
            "queue": self._parts.queue.name,
            "stopping": stopping,
            "seconds_since_poll": self._pollers.seconds_since_success(now),
            "oldest_handler_seconds": round(oldest, 1),
            "in_flight": len(self._parts.leases),
            "threads": threads,
            **self.counts(),
        }
        return HealthReport(service, tuple(reasons), (paused,) if paused else (), details)

    def _polling_problems(self, now: float, paused: str | None) -> list[str]:
        return [] if paused else self._pollers.problems(now)

    def _handler_problems(self, oldest: float) -> list[str]:
        longest = self._parts.options.max_handling.total_seconds()
        if oldest <= longest:
            return []
        return [f"a handler has been running for {oldest:.0f} seconds, longer than {longest:.0f}"]

    def drain(self) -> None:
        """Stop polling, finish what runs, delete what is done, give back the rest: in this order."""
        self._permits.close()
        self._release_lanes(self._workers.close())
        self._pollers.join(self._shutdown.remaining())
        finished = self._workers.wait(self._left_before_flush())
        self._parts.settlement.drain(has_time=lambda: self._shutdown.remaining() > 0)
        if not finished:
            self._abandon()
        self._parts.keeper.close()
        self._threads.join("keeper", self._shutdown.remaining())

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
            outcome = self._outcome(message)
            self._breaker.record(outcome)
            done = self._parts.settlement.settle(message, outcome)
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
