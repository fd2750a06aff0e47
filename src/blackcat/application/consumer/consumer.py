"""The consumer of one queue."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from random import Random

from blackcat.application.consumer.keeper import Keeper
from blackcat.application.consumer.leases import LeaseBook
from blackcat.application.consumer.options import ConsumerOptions
from blackcat.application.consumer.running import Parts, RunningConsumer
from blackcat.application.consumer.settlement import Settlement
from blackcat.application.events import EventLog
from blackcat.application.ports import Broker, Clock, QueueDescription
from blackcat.application.shutdown import Shutdown
from blackcat.domain.health import HealthReport
from blackcat.domain.message import Message
from blackcat.domain.outcome import Outcome
from blackcat.domain.retry import RetryPolicy
from blackcat.errors import ConfigurationError, PermanentError, TransientError

log = EventLog("blackcat.consumer")

_OPENING = RetryPolicy(base=timedelta(seconds=0.5), longest=timedelta(seconds=10))


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
        version: str = "",
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
        self._version = version
        self._broker = broker
        self._queue_name = queue_name
        self._handle = handle
        self._retry = retry
        self._options = options
        self._clock = clock
        self._random = random
        self._redact = redact
        self._opening_problem = "it has not started yet"
        self._running: RunningConsumer | None = None

    def run(self, shutdown: Shutdown) -> None:
        """Work until ``shutdown`` is requested, then drain.

        Raises ConfigurationError when the queue does not exist or may not be read, and whatever a
        thread died of. A queue that cannot be reached is tried again until it can.
        """
        description = self._open(shutdown)
        if description is None:
            log.info("consumer.stopped", reason=shutdown.reason)
            return
        running = RunningConsumer(self._parts(description), shutdown)
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
        return replace(report, reasons=tuple(map(self._redact, report.reasons)))

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
                raise ConfigurationError(
                    f"consumer '{self._service}' cannot open its queue: {error}"
                ) from error
        return None

    def _parts(self, description: QueueDescription) -> Parts:
        queue = self._broker.queue(self._queue_name)
        leases = LeaseBook(visibility=description.visibility_timeout, longest=self._options.max_handling)
        keeper = Keeper(queue=queue, leases=leases, clock=self._clock)
        target = description.dead_letter_queue
        settlement = Settlement(
            service=self._service,
            version=self._version,
            queue=queue,
            dead_letters=self._broker.queue(target) if target else None,
            leases=leases,
            retry=self._retry,
            random=self._random,
            clock=self._clock,
            redact=self._redact,
            wake_keeper=keeper.wake,
        )
        return Parts(
            queue, leases, keeper, settlement, self._handle, self._options, self._clock, self._random
        )
