"""Acknowledgements wait for each other, so that one call deletes ten messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from threading import Lock

from blackcat.domain.message import Message

# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteMessageBatch.html
BATCH_SIZE = 10
# Long enough to fill batches under load, far below any visibility timeout.
LONGEST_WAIT = 0.1
ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """A handled message that still has to be deleted."""

    message: Message
    attempt: int = 1


class Acknowledgements:
    """Handled messages that wait for their delete; pure bookkeeping in monotonic seconds."""

    def __init__(self) -> None:
        self._waiting: list[Acknowledgement] = []
        self._since = 0.0
        self._lock = Lock()

    def add(self, message: Message, now: float) -> list[Acknowledgement]:
        """A full batch to delete now, or nothing yet."""
        with self._lock:
            if not self._waiting:
                self._since = now
            self._waiting.append(Acknowledgement(message))
            return self._take(BATCH_SIZE) if len(self._waiting) >= BATCH_SIZE else []

    def due(self, now: float) -> list[Acknowledgement]:
        """Those that waited long enough."""
        with self._lock:
            return self._take(BATCH_SIZE) if self._waiting and now >= self._since + LONGEST_WAIT else []

    def next_due(self) -> float | None:
        with self._lock:
            return self._since + LONGEST_WAIT if self._waiting else None

    def take_all(self) -> list[Acknowledgement]:
        with self._lock:
            return self._take(len(self._waiting))

    def put_back(self, failed: Sequence[Acknowledgement], now: float) -> list[Acknowledgement]:
        """Try these again later; returns those that have been tried often enough."""
        with self._lock:
            again = [replace(one, attempt=one.attempt + 1) for one in failed if one.attempt < ATTEMPTS]
            if again:
                self._since = now
                self._waiting.extend(again)
        return [one for one in failed if one.attempt >= ATTEMPTS]

    def _take(self, count: int) -> list[Acknowledgement]:
        taken, self._waiting = self._waiting[:count], self._waiting[count:]
        return taken
