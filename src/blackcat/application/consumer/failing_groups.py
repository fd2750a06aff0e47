"""FIFO groups whose head failed: what stands behind it must not be dragged along."""

from __future__ import annotations

from datetime import timedelta
from threading import Lock

from blackcat.application.ports import Clock
from blackcat.domain.message import MAX_PER_RECEIVE, Message

# A head that another process took never comes back here: its group is remembered for so long only.
_SLACK_SECONDS = 60.0


class FailingGroups:
    """While the head of a group comes back and back, polls ask for one message at a time.

    A poll for ten would receive the head with all that follows it in its group, and each such receive
    counts: good messages would reach the dead-letter queue with the bad one, never having been handled.
    """

    def __init__(self, *, longest: timedelta, receives: int | None, clock: Clock) -> None:
        self._receives = receives
        self._clock = clock
        self._longest = longest.total_seconds() + _SLACK_SECONDS
        self._groups: dict[str, float] = {}
        self._lock = Lock()

    def limit(self) -> int:
        """How many messages a poll may ask for."""
        if not self._groups:
            return MAX_PER_RECEIVE
        now = self._clock.monotonic()
        with self._lock:
            self._groups = {group: until for group, until in self._groups.items() if until > now}
            return 1 if self._groups else MAX_PER_RECEIVE

    def settled(self, message: Message, done: bool) -> None:
        """A message of a group is done, or will come back."""
        group = message.group_id or ""
        with self._lock:
            # Its last receive: it does not come back, SQS moves it to the dead-letter queue.
            if done or (self._receives and message.receive_count >= self._receives):
                self._groups.pop(group, None)
            else:
                self._groups[group] = self._clock.monotonic() + self._longest
