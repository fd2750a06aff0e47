"""Dead letters that SQS moves back by itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

_BETWEEN_LOOKS_SECONDS = 1.0
_UNDER_WAY = ("RUNNING", "CANCELLING")


@dataclass(frozen=True)
class MoveTask:
    """A move as SQS tells it; ``status`` ends as COMPLETED, CANCELLED or FAILED.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ListMessageMoveTasksResultEntry.html
    """

    status: str
    moved: int
    to_move: int
    failure: str = ""


class MoveTasks(Protocol):
    """The moves of a queue broker that it carries out itself."""

    def start(self, dead_letters: str, target: str, *, per_second: int | None) -> str:
        """Begin to move every message; the task's handle. Raises PermanentError where it cannot."""
        ...

    def latest(self, dead_letters: str) -> MoveTask:
        """The newest task of that dead-letter queue."""
        ...

    def cancel(self, dead_letters: str, handle: str) -> None:
        """Stop moving; what was moved stays moved."""
        ...


def follow(
    tasks: MoveTasks,
    dead_letters: str,
    handle: str,
    *,
    stopping: Callable[[], bool],
    pause: Callable[[float], None],
    progress: Callable[[int], None],
) -> MoveTask:
    """Watch a task to its end; a request to stop cancels it. ``progress`` gets what was moved since."""
    seen, cancelled = 0, False
    while True:
        task = tasks.latest(dead_letters)
        progress(task.moved - seen)
        seen = task.moved
        if task.status not in _UNDER_WAY:
            return task
        if stopping() and not cancelled:
            tasks.cancel(dead_letters, handle)
            cancelled = True
        pause(_BETWEEN_LOOKS_SECONDS)
