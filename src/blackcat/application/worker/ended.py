"""How a run of a worker ended."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Ended(Enum):
    """The outcome of a run; its value is the label of the metric ``worker_runs``."""

    FINISHED = "finished"
    STOPPED = "stopped"
    FAILED = "failed"
    DEADLINE_EXCEEDED = "deadline_exceeded"
    LOCK_LOST = "lock_lost"
    LOCK_HELD = "lock_held"
    NOT_STARTED = "not_started"
    ABANDONED = "abandoned"


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome, and why it was no other; ``error`` is what the job raised."""

    ended: Ended
    reason: str = ""
    error: BaseException | None = None
