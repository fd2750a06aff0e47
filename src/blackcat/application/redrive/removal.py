"""Messages taken out of a queue: each is deleted only once it is safe to be without it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from blackcat.application.ports import Queue
from blackcat.application.redrive.pace import Pace
from blackcat.application.redrive.sweep import Sweep
from blackcat.domain.message import Message
from blackcat.errors import RemoteError

# A delete that fails is tried again after these pauses, in seconds: giving up leaves a duplicate.
_PAUSES = (0.2, 1.0, 3.0)


@dataclass(frozen=True)
class Failure:
    """A message that stays where it is, and why."""

    message_id: str
    reason: str


@dataclass(frozen=True)
class Secured:
    """The messages that may be deleted now, and those that may not."""

    safe: Sequence[Message]
    failures: Sequence[Failure] = ()


Secure = Callable[[Sequence[Message]], Secured]


@dataclass
class Tally:
    """What became of the messages so far.

    ``undeleted`` were secured but could not be deleted: they are in both places. ``interrupted`` when
    it was told to stop before the end.
    """

    done: int = 0
    kept: int = 0
    failures: list[Failure] = field(default_factory=list)
    undeleted: list[Failure] = field(default_factory=list)
    interrupted: bool = False


class Removal:
    """Secures and deletes the ``wanted`` messages of a sweep, batch by batch, at most ``limit`` of them.

    A process that ends anywhere in between leaves a message that is secured and not deleted, never one
    that is deleted and not secured. The ``tally`` holds whatever ends it; ``progress`` gets
    the number of messages met.
    """

    def __init__(
        self,
        *,
        queue: Queue,
        tally: Tally,
        wanted: Callable[[Message], bool],
        secure: Secure,
        pace: Pace,
        stopping: Callable[[], bool],
        pause: Callable[[float], None],
        progress: Callable[[int], None] = lambda _: None,
        limit: int | None = None,
    ) -> None:
        self.tally = tally
        self._queue = queue
        self._wanted = wanted
        self._secure = secure
        self._pace = pace
        self._stopping = stopping
        self._pause = pause
        self._progress = progress
        self._limit = limit

    def run(self, sweep: Sweep) -> None:
        """Until the sweep's end, the limit, or a request to stop. Raises RemoteError."""
        batches = sweep.batches(size=self._pace.batch)
        # The pace is waited for between batches: nothing that is held waits, and its hold does not run out.
        while self._pace.wait(self._stopping):
            batch = next(batches, None)
            if batch is None:
                return
            chosen = [message for message in batch if self._wanted(message)][: self._left()]
            self.tally.kept += len(batch) - len(chosen)
            self._pace.spent(len(chosen))
            if chosen:
                self._remove(chosen, sweep)
            self._progress(len(batch))
            if self.tally.undeleted or self._left() == 0:
                return
        self.tally.interrupted = True

    def _left(self) -> int | None:
        if self._limit is None:
            return None
        return max(0, self._limit - self.tally.done - len(self.tally.failures))

    def _remove(self, chosen: Sequence[Message], sweep: Sweep) -> None:
        secured = self._secure(chosen)
        self.tally.failures += secured.failures
        undeleted = self._undeleted(secured.safe, sweep)
        self.tally.undeleted += [Failure(message_id, reason) for message_id, reason in undeleted.items()]
        deleted = [message.id for message in secured.safe if message.id not in undeleted]
        sweep.gone(deleted)
        self.tally.done += len(deleted)

    def _undeleted(self, messages: Sequence[Message], sweep: Sweep) -> dict[str, str]:
        """The ids of those that could not be deleted, each with the reason."""
        left = list(messages)
        refused: dict[str, str] = {}
        reasons: dict[str, str] = {}
        for pause in (*_PAUSES, None):
            if not left:
                break
            try:
                result = self._queue.delete(sweep.receipts(left))
            except RemoteError as error:
                reasons = {message.id: str(error) for message in left}
            else:
                reasons = {left[failure.index].id: failure.reason for failure in result.failed}
                refused |= {left[f.index].id: f.reason for f in result.failed if not f.transient}
                left = [left[failure.index] for failure in result.failed if failure.transient]
            if left and pause is not None:
                self._pause(pause)
        return refused | {message.id: reasons[message.id] for message in left}
