"""Which dead letters a command is about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from blackcat.application.redrive.dead_letter import DeadLetter
from blackcat.domain.message import Message


@dataclass(frozen=True)
class Wanted:
    """A filter: every condition that is given must hold.

    ``reason`` and ``body`` are parts of the text, the reason's in any case. A message counts as sent
    when its queue says so: one that SQS moved to a standard dead-letter queue, when it was first sent.
    """

    ids: frozenset[str] = frozenset()
    reason: str = ""
    body: str = ""
    sent_before: datetime | None = None
    sent_after: datetime | None = None

    @property
    def everything(self) -> bool:
        return self == Wanted()

    def __call__(self, message: Message) -> bool:
        return (
            (not self.ids or message.id in self.ids)
            and self.reason.casefold() in DeadLetter(message).reason.casefold()
            and self.body in message.original_body
            and self._of_the_time(message.sent_at)
        )

    def _of_the_time(self, sent_at: datetime | None) -> bool:
        if sent_at is None:
            return self.sent_before is None and self.sent_after is None
        return (self.sent_before is None or sent_at < self.sent_before) and (
            self.sent_after is None or sent_at > self.sent_after
        )
