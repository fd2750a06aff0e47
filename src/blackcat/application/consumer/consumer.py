"""The consumer of one queue."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from random import Random

from blackcat.application.consumer.options import ConsumerOptions
from blackcat.application.consumer.running import RunningConsumer
from blackcat.application.events import EventLog
from blackcat.application.ports import Broker, Clock, QueueDescription
from blackcat.application.shutdown import Shutdown
from blackcat.domain.health import HealthReport
from blackcat.domain.message import Message
from blackcat.domain.outcome import Outcome
from blackcat.domain.retry import RetryPolicy
from blackcat.errors import ConfigurationError, PermanentError, ServiceFailed, TransientError

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

        Raises ConfigurationError when the queue does not exist, may not be read or hides nothing, and
        ServiceFailed when a thread died. A queue that cannot be reached is tried again until it can.
        """
        description = self._open(shutdown)
        if description is None:
            log.info("consumer.stopped", reason=shutdown.reason)
            return
        self._running = running = self._running_consumer(description, shutdown)
        running.start()
        log.info("consumer.started", queue=self._queue_name, concurrency=self._options.concurrency)
        shutdown.requested.wait()
        log.info("consumer.stopping", reason=shutdown.reason, budget_seconds=round(shutdown.remaining(), 1))
        running.drain()
        log.info("consumer.stopped", **running.counts())
        if shutdown.failure is not None:
            raise ServiceFailed(f"consumer '{self._service}': {shutdown.reason}") from shutdown.failure

    def longest_handling(self) -> float:
        """Seconds since the oldest message in a handler came to it; 0 when there is none."""
        return self._running.longest_handling() if self._running else 0.0

    def health(self) -> HealthReport:
        """Whether messages are being taken in and handled, told from what the threads really do."""
        if self._running is None:
            problem = f"queue '{self._queue_name}' is not open: {self._opening_problem}"
            return HealthReport(self._service, reasons=(self._redact(problem),))
        report = self._running.health()
        return replace(report, reasons=tuple(map(self._redact, report.reasons)))

    def _open(self, shutdown: Shutdown) -> QueueDescription | None:
        failures = 0
        while not shutdown.requested.is_set():
            try:
                return self._checked(self._broker.describe(self._queue_name))
            except TransientError as error:
                failures += 1
                self._opening_problem = str(error)
                delay = _OPENING.delay(failures, self._random).total_seconds()
                log.warning("queue.open_failed", error=error, retry_in_seconds=round(delay, 1))
                shutdown.requested.wait(delay)
            except PermanentError as error:
                raise ConfigurationError(
                    f"consumer '{self._service}' cannot open its queue: {error}"
                ) from error
        return None

    def _checked(self, description: QueueDescription) -> QueueDescription:
        if description.visibility_timeout <= timedelta(0):
            raise ConfigurationError(
                f"consumer '{self._service}': queue '{self._queue_name}' has a visibility timeout of 0: each "
                "message would be received again while it is handled; give it 30 seconds or more"
            )
        if description.max_receive_count == 1:
            log.warning(
                "queue.receives_once",
                queue=self._queue_name,
                reason="what a stop gives back, or a crash leaves, is dead-lettered without having been "
                "handled: set max_receive_count to 2 or more",
            )
        return description

    def _running_consumer(self, description: QueueDescription, shutdown: Shutdown) -> RunningConsumer:
        dead_letters = description.dead_letter_queue
        return RunningConsumer(
            service=self._service,
            version=self._version,
            broker=self._broker,
            queue=self._broker.queue(self._queue_name),
            dead_letters=self._broker.queue(dead_letters) if dead_letters else None,
            description=description,
            handle=self._handle,
            retry=self._retry,
            options=self._options,
            shutdown=shutdown,
            clock=self._clock,
            random=self._random,
            redact=self._redact,
        )
