"""A consumer at work: its threads, from their start to the end of the drain."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from random import Random
from threading import Lock

from blackcat.application.consumer.acknowledger import Acknowledger
from blackcat.application.consumer.breaker import Breaker
from blackcat.application.consumer.failing_groups import FailingGroups
from blackcat.application.consumer.followers import Followers
from blackcat.application.consumer.handler_threads import HandlerThreads, Lane
from blackcat.application.consumer.keeper import Keeper
from blackcat.application.consumer.leases import LeaseBook
from blackcat.application.consumer.measured import Backlog, Measured
from blackcat.application.consumer.options import ConsumerOptions
from blackcat.application.consumer.permits import Permits
from blackcat.application.consumer.pollers import Pollers
from blackcat.application.consumer.rate import RateLimiter
from blackcat.application.consumer.settlement import Settlement
from blackcat.application.events import EventLog
from blackcat.application.handler import described
from blackcat.application.ports import Broker, Clock, Queue, QueueDescription
from blackcat.application.shutdown import Shutdown
from blackcat.application.threads import Threads
from blackcat.domain.envelope import unwrapped
from blackcat.domain.health import HealthReport
from blackcat.domain.message import MAX_PER_RECEIVE, Message
from blackcat.domain.outcome import Deferred, Handled, Outcome, Rejected, Retried
from blackcat.domain.retry import RetryPolicy
from blackcat.resources import FIFO_SUFFIX

log = EventLog("blackcat.consumer")

# What a stop keeps back of its budget, to flush deletes and release what is still held.
_FLUSH_SHARE = 0.2
_FLUSH_SECONDS = 2.0
# What the answer of a poll may need beyond its wait.
_ANSWER_SECONDS = 1.0


class RunningConsumer:
    """The way of a message: pollers, handler threads, settlement, acknowledger; its lease kept meanwhile."""

    def __init__(
        self,
        *,
        service: str,
        version: str,
        broker: Broker,
        queue: Queue,
        dead_letters: Queue | None,
        description: QueueDescription,
        handle: Callable[[Message], Outcome],
        retry: RetryPolicy,
        options: ConsumerOptions,
        shutdown: Shutdown,
        clock: Clock,
        random: Random,
        redact: Callable[[str], str],
    ) -> None:
        self._service = service
        self._queue = queue
        self._fifo = queue.name.endswith(FIFO_SUFFIX)
        self._handle = handle
        self._shutdown = shutdown
        self._clock = clock
        self._longest_poll = options.wait.total_seconds() + _ANSWER_SECONDS
        self._longest_handling = options.max_handling.total_seconds()
        self._threads = Threads(shutdown)
        self._aside: list[Message] = []
        self._aside_lock = Lock()
        self._polls_ended = False
        self._permits = Permits(options.concurrency)
        self._breaker = Breaker(policy=options.circuit_breaker, clock=clock)
        self._failing = FailingGroups(
            longest=retry.longest, receives=description.max_receive_count, clock=clock
        )
        self._leases = LeaseBook(
            visibility=description.visibility_timeout, longest=options.max_handling, clock=clock
        )
        self._followers = Followers()
        self._keeper = Keeper(
            queue=queue, leases=self._leases, followers=self._followers, clock=clock, random=random
        )
        self._acknowledger = Acknowledger(queue=queue, leases=self._leases, clock=clock, random=random)
        self._settlement = Settlement(
            service=service,
            version=version,
            queue=queue,
            dead_letters=dead_letters,
            leases=self._leases,
            acknowledge=self._acknowledger.add,
            retry=retry,
            random=random,
            redact=redact,
        )
        self._measured = Measured(
            counts=self._settlement.counts, in_flight=lambda: len(self._leases), clock=clock
        )
        self._backlog = Backlog(
            broker=broker,
            queue_name=queue.name,
            concurrency=options.concurrency,
            mean_duration=self._measured.mean_duration,
            every=options.measure_every.total_seconds(),
        )
        self._handlers = HandlerThreads(
            count=options.concurrency, handle=self._handle_one, threads=self._threads, clock=clock
        )
        self._pollers = Pollers(
            queue=queue,
            permits=self._permits,
            limit=lambda: min(self._breaker.limit(), self._failing.limit()),
            on_received=self._breaker.received,
            rate=RateLimiter(per_second=options.rate_limit, clock=clock),
            most=math.ceil(options.concurrency / MAX_PER_RECEIVE),
            deliver=self._deliver,
            help=self._handlers.help,
            wait=options.wait,
            stopping=shutdown.requested,
            threads=self._threads,
            clock=clock,
            random=random,
        )

    def start(self) -> None:
        self._handlers.start(
            on_leftover=self._give_back, on_lane_done=self._lane_done, on_slow=self._pollers.start
        )
        self._threads.start("keeper", self._keeper.run)
        self._threads.start("followers", self._followers.run)
        self._threads.start("acknowledger", self._acknowledger.run)
        self._pollers.start()
        if self._measured.enabled:
            self._threads.start("backlog", lambda: self._backlog.run(self._shutdown.requested))

    def counts(self) -> dict[str, int]:
        return self._settlement.counts()

    def longest_handling(self) -> float:
        return self._handlers.oldest(self._clock.monotonic())

    def drain(self) -> None:
        """Stop polling, finish what runs, delete what is done, give back the rest: in this order."""
        self._end_polls()
        if not self._handlers.wait(self._left_before_flush()):
            log.error("messages.abandoned", reason="the shutdown budget ran out")
        deleted = self._acknowledger.drain(self._shutdown.remaining)
        if not deleted:
            log.error("messages.not_deleted", count=len(self._acknowledger.pending()))
        self._release_the_rest()
        self._keeper.close()
        self._followers.close()
        self._acknowledger.close()

    def health(self) -> HealthReport:
        now = self._clock.monotonic()
        oldest = self._handlers.oldest(now)
        paused = self._breaker.problem(now)
        details = {
            "queue": self._queue.name,
            "stopping": self._shutdown.requested.is_set(),
            "seconds_since_poll": self._pollers.seconds_since_success(now),
            "oldest_handler_seconds": round(oldest, 1),
            "in_flight": len(self._leases),
            "threads": self._threads.states(),
            **self.counts(),
        }
        reasons = tuple(self._problems(now, oldest, paused))
        return HealthReport(self._service, reasons, (paused,) if paused else (), details)

    def _problems(self, now: float, oldest: float, paused: str | None) -> list[str]:
        problems = [
            *self._acknowledger.problems(now),
            *self._keeper.problems(now),
            *(
                f"thread '{name}' has died"
                for name, state in self._threads.states().items()
                if state == "died"
            ),
        ]
        if oldest > self._longest_handling:
            longest = self._longest_handling
            problems.append(f"a handler has been running for {oldest:.0f} seconds, longer than {longest:.0f}")
        resting = paused and not self._breaker.limit()
        if not resting and not self._shutdown.requested.is_set():
            problems.extend(self._pollers.problems(now))
        return problems

    def _deliver(self, received: Sequence[Message], doubtful: bool, helped: bool) -> None:
        if self._measured.enabled:
            self._measured.received(received)
        ours = self._keeper.confirmed(received) if doubtful else received
        self._leases.hold(ours)
        lanes = self._lanes(ours)
        joined, too_late = self._handlers.submit(lanes, helped=helped)
        # A poll took a permit for each message that could come; a lane needs one, whatever its length.
        self._permits.give_back(len(received) - len(lanes) + joined)
        # A poll that was under way when the stop came brings messages that nobody will handle.
        self._give_back(too_late)

    def _give_back(self, messages: Sequence[Message]) -> None:
        """Release them; during a stop once no poll is open, which would receive them again."""
        with self._aside_lock:
            if self._shutdown.requested.is_set() and not self._polls_ended:
                self._aside.extend(messages)
                return
        self._settlement.release(messages)

    def _end_polls(self) -> None:
        self._permits.close()
        self._give_back(self._handlers.close())
        # An open poll gets its whole time; one that hangs must leave some for deletes and releases.
        open_poll = max(self._longest_poll, self._left_before_flush())
        self._pollers.wait(min(open_poll, self._shutdown.remaining()))
        with self._aside_lock:
            self._polls_ended = True
            aside, self._aside = self._aside, []
        self._settlement.release(aside)

    def _lanes(self, messages: Sequence[Message]) -> list[Lane]:
        if not self._fifo:
            return [Lane((message,)) for message in messages]
        groups: dict[str, list[Message]] = {}
        for message in messages:
            groups.setdefault(message.group_id or "", []).append(message)
        return [Lane(waiting, group) for group, waiting in groups.items()]

    def _handle_one(self, message: Message) -> bool:
        """Whether the rest of its lane may go on."""
        if not message.lease.held:
            self._settlement.leave_to_next_receiver(message)
            self._permits.give_back(0 if self._fifo else 1)
            return False
        self._leases.begin(message)
        began = self._measured.began(message) if self._measured.enabled else 0.0
        outcome = self._outcome(message)
        if self._measured.enabled:
            self._measured.ended(began)
        self._breaker.record(outcome)
        if not self._fifo:
            # Before the settlement: the next poll need not wait for a call that deletes ten.
            self._permits.give_back(1)
        done = self._settle(message, outcome)
        if not self._fifo:
            return True
        # Nothing later of a group may go before the one that comes back.
        self._failing.settled(message, done)
        return done

    def _lane_done(self) -> None:
        if self._fifo:
            self._permits.give_back(1)

    def _outcome(self, message: Message) -> Outcome:
        try:
            outcome = self._handle(unwrapped(message))
        except BaseException as error:
            # Middleware, or a defect of ours: one message must not end the process.
            log.error("message.failed_outside_its_handler", error=error, message_id=message.id)
            return Retried(described(error), error)
        if isinstance(outcome, Handled | Retried | Deferred | Rejected):
            return outcome
        log.error("message.without_outcome", message_id=message.id, returned=type(outcome).__name__)
        return Retried(
            f"a middleware returned {type(outcome).__name__}, not the outcome of call_next(message)"
        )

    def _settle(self, message: Message, outcome: Outcome) -> bool:
        try:
            return self._settlement.settle(message, outcome)
        except Exception as error:  # its lease runs out, and it comes back
            log.error("message.not_settled", error=error, message_id=message.id)
            self._leases.drop([message.receipt])
            return False

    def _release_the_rest(self) -> None:
        """Whatever is still held: in handlers that took too long, in lanes of threads that died."""
        handled = self._acknowledger.pending()
        self._settlement.release([one for one in self._leases.messages() if one.receipt not in handled])

    def _left_before_flush(self) -> float:
        left = self._shutdown.remaining()
        return max(0.0, left - min(_FLUSH_SECONDS, left * _FLUSH_SHARE))
