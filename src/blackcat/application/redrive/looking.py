"""A look at a queue's messages, which are all given back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from blackcat.application.ports import Clock, Queue
from blackcat.application.redrive.dead_letter import DeadLetter
from blackcat.application.redrive.sweep import PATIENCE, swept
from blackcat.domain.message import MAX_PER_RECEIVE, Message


@dataclass(frozen=True)
class Look:
    """The wanted ones among the messages that were ``seen``; ``complete`` when there were no more."""

    letters: Sequence[DeadLetter]
    seen: int
    complete: bool


def look(
    queue: Queue,
    *,
    wanted: Callable[[Message], bool],
    limit: int,
    expected: int,
    visibility: timedelta,
    clock: Clock,
    stopping: Callable[[], bool] = lambda: False,
    patience: timedelta = PATIENCE,
) -> Look:
    """Receive up to ``limit`` messages, hold them together, and give all back.

    SQS has no look without a receive: each counts as one, and hides the message meanwhile. A request
    to stop ends it after a receive: one that is cut off would leave its messages hidden.
    """
    met: list[Message] = []
    sweeping = swept(
        queue, expected=expected, visibility=visibility, started_at=clock.now(), patience=patience
    )
    with sweeping as sweep:
        size = min(MAX_PER_RECEIVE, limit)
        for batch in sweep.batches(size=size):
            met += batch
            if len(met) >= limit or stopping():
                break
    kept = met[:limit]
    letters = [DeadLetter(message) for message in kept if wanted(message)]
    return Look(letters, seen=len(kept), complete=len(met) < limit)
