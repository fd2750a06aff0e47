"""A batch of a queue's records through a handler, and the answer that says which of them failed."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextvars import copy_context
from threading import Condition, Thread, current_thread

from blackcat.application.events import EventLog
from blackcat.application.handler import described
from blackcat.application.middleware import Next
from blackcat.domain.message import Message
from blackcat.domain.outcome import Deferred, Handled, Outcome, Rejected, Retried
from blackcat.entrypoints.aws_lambda.deadline import Deadline
from blackcat.entrypoints.aws_lambda.records import SqsRecord
from blackcat.entrypoints.aws_lambda.releasing import Release, release_within

log = EventLog("blackcat.consumer")

# Handlers that are quicker share one thread: another one would cost more than they do. While they are
# slower, the threads double each time.
_PATIENCE_SECONDS = 0.002
# Threads of handlers that have outlasted their invocation are told from others by their name.
_ABANDONED = "abandoned handler"
# Of Lambda's 1,024 processes and threads. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
_MOST_ABANDONED = 100

BatchAnswer = dict[str, list[dict[str, str]]]
Settle = Callable[[Message, Outcome], bool]


def handled_alone(message: Message, outcome: Outcome) -> bool:
    """The plain settlement: what was handled is done, anything else comes back."""
    return isinstance(outcome, Handled)


def keep_hidden(messages: Sequence[Message]) -> None:
    """The plain release: messages come back when their visibility timeout is over."""


def handle_batch(
    records: Sequence[SqsRecord],
    handle: Next,
    *,
    deadline: Deadline,
    concurrency: int = 1,
    settle: Settle = handled_alone,
    release: Release = keep_hidden,
) -> BatchAnswer:
    """Handle what the deadline allows, up to ``concurrency`` at once, and name what is not done.

    Records of a FIFO group go one after the other; after a failure, what follows in that group is not
    handled and named too. A message is begun only while there is time for the longest one so far. What still
    runs at the deadline has lost its lease and is named: its thread goes on when the process next runs, and
    takes the place of one of ``concurrency``. Raises SystemExit when 100 threads do: a new process has none.

    ``settle`` carries out an outcome and tells whether the message is done; ``release`` gets what was not
    begun, ten at a time, for a part of the time that is left. Whatever they raise leaves messages named. The
    queue's event source mapping must have ``ReportBatchItemFailures``: without it Lambda deletes what is
    named here.
    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
    """
    batch = _Batch(records, handle, deadline, settle)
    batch.run(max(1, concurrency - _still_running()))
    failed = batch.failed()
    waiting = batch.unbegun()
    if waiting:
        release_within(deadline.ending(), release, waiting)
    return {"batchItemFailures": [{"itemIdentifier": record.id} for record in failed]}


def _still_running() -> int:
    """How many handlers of earlier invocations have not returned."""
    count = sum(thread.name == _ABANDONED for thread in threading.enumerate())
    if count:
        log.warning("handlers.still_running", count=count, reason="give the calls that they make a timeout")
    if count >= _MOST_ABANDONED:
        raise SystemExit(
            f"{count} handlers of earlier invocations have not returned: the process begins anew"
        )
    return count


class _Batch:
    """Everything that is not known to be done has failed: nothing can be lost on the way."""

    def __init__(
        self, records: Sequence[SqsRecord], handle: Next, deadline: Deadline, settle: Settle
    ) -> None:
        self._records = records
        self._handle = handle
        self._deadline = deadline
        self._settle = settle
        self._context = copy_context()
        self._lanes = deque(_lanes(records))
        self._begun: set[int] = set()
        self._done: set[int] = set()
        self._running: dict[int, Thread] = {}
        self._longest = 0.0
        self._busy = 0
        self._most = 0
        self._over = False
        self._changed = Condition()

    def run(self, concurrency: int) -> None:
        """Until every lane is worked through, or the deadline."""
        self._most = min(concurrency, len(self._lanes))
        with self._changed:
            self._start(min(1, self._most))
            while self._busy and (left := self._deadline.remaining()):
                more = bool(self._lanes) and self._busy < self._most
                if not self._changed.wait(min(left, _PATIENCE_SECONDS) if more else left) and more:
                    self._start(min(self._busy, self._most - self._busy, len(self._lanes)))
            self._over = True
            for position, thread in self._running.items():
                thread.name = _ABANDONED
                self._abandon(self._records[position])

    def failed(self) -> list[SqsRecord]:
        """What is not done; a later one of a FIFO group whose earlier one is not, is not done either."""
        with self._changed:
            return [record for position, record in enumerate(self._records) if position not in self._done]

    def unbegun(self) -> list[Message]:
        """The messages that no handler has seen, in their order."""
        with self._changed:
            return [
                record.message
                for position, record in enumerate(self._records)
                if record.message is not None and position not in self._begun
            ]

    def _start(self, count: int) -> None:
        for _ in range(count):
            try:
                self._thread().start()
            except RuntimeError as error:  # there are no more: those that run do it all
                log.warning("handler.not_started", error=error, running=self._busy)
                self._most = self._busy
                return
            self._busy += 1

    def _thread(self) -> Thread:
        return Thread(target=self._work, name="handler", daemon=True)

    def _work(self) -> None:
        try:
            while (lane := self._next_lane()) is not None:
                self._work_through(lane)
        finally:
            with self._changed:
                self._busy -= 1
                self._changed.notify_all()

    def _next_lane(self) -> list[int] | None:
        with self._changed:
            return self._lanes.popleft() if self._lanes else None

    def _work_through(self, lane: Sequence[int]) -> None:
        for position in lane:
            if not self._begin(position):
                return
            left = self._deadline.remaining()
            done = self._handled(self._records[position])
            if not self._end(position, done, left - self._deadline.remaining()):
                return

    def _begin(self, position: int) -> bool:
        with self._changed:
            if self._over or not self._deadline.allows(self._longest):
                return False
            self._begun.add(position)
            self._running[position] = current_thread()
            return True

    def _end(self, position: int, done: bool, seconds: float) -> bool:
        with self._changed:
            self._running.pop(position)
            self._longest = max(self._longest, seconds)
            if done and not self._over:  # later than that, the answer has named it
                self._done.add(position)
            return done and not self._over

    def _handled(self, record: SqsRecord) -> bool:
        if record.message is None:
            log.error("message.unreadable", message_id=record.id, reason=str(record.problem))
            return False
        try:
            # The invocation's log fields and span hold for each message, and none's for the next one.
            return self._context.copy().run(self._settled, record.message)
        except BaseException as error:
            log.error("message.not_settled", error=error, message_id=record.id)
            return False

    def _settled(self, message: Message) -> bool:
        return self._settle(message, outcome_of(self._handle, message))

    def _abandon(self, record: SqsRecord) -> None:
        if record.message is not None:
            record.message.lease.lose()
        log.error(
            "message.abandoned",
            message_id=record.id,
            reason="the function's time is over: raise its timeout, or lower the batch size",
        )


def outcome_of(handle: Next, message: Message) -> Outcome:
    """What the handler decided; whatever is raised around it, or is no outcome, is a failure."""
    try:
        outcome = handle(message)
    except BaseException as error:  # of a middleware's: a handler's own is in the outcome
        log.error("message.failed_outside_its_handler", error=error, message_id=message.id)
        return Retried(described(error), error)
    if isinstance(outcome, Handled | Retried | Deferred | Rejected):
        return outcome
    log.error("message.without_outcome", message_id=message.id, returned=type(outcome).__name__)
    return Retried(f"a middleware returned {type(outcome).__name__}, not the outcome of call_next(message)")


def _lanes(records: Sequence[SqsRecord]) -> list[list[int]]:
    """What must go one after the other: the positions of a group, or one alone.

    A record of a FIFO queue that does not tell its group may belong to any: then all go in one lane.
    """
    if any(record.group == "" for record in records):
        return [list(range(len(records)))]
    lanes: dict[str, list[int]] = {}
    for position, record in enumerate(records):
        lanes.setdefault(f"alone {position}" if record.group is None else f"group {record.group}", []).append(
            position
        )
    return list(lanes.values())
