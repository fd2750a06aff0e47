"""Dead letters with the same reason, together."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from blackcat.application.redrive.dead_letter import DeadLetter

# What differs from message to message: UUIDs, long numbers and digests. A status or a limit stays.
_PARTICULAR = re.compile(
    r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"
    r"|\b(?=[0-9a-fA-F]*[0-9])[0-9a-fA-F]{8,}\b"
    r"|\d{5,}"
)


@dataclass(frozen=True)
class Group:
    """Dead letters of one reason; what differs between their reasons is shown as ``…``."""

    reason: str
    exception: str | None
    letters: Sequence[DeadLetter]

    @property
    def oldest(self) -> datetime | None:
        return min(self._sent, default=None)

    @property
    def newest(self) -> datetime | None:
        return max(self._sent, default=None)

    @property
    def attempts(self) -> Sequence[int]:
        """How often its messages were tried, where they tell: each number once."""
        return sorted({letter.attempts for letter in self.letters if letter.attempts is not None})

    @property
    def _sent(self) -> list[datetime]:
        return [letter.message.sent_at for letter in self.letters if letter.message.sent_at]


def by_reason(letters: Iterable[DeadLetter]) -> list[Group]:
    """The groups, the largest first."""
    found: dict[tuple[str, str | None], list[DeadLetter]] = {}
    for letter in letters:
        found.setdefault((_PARTICULAR.sub("…", letter.reason), letter.exception), []).append(letter)
    groups = [Group(reason, exception, members) for (reason, exception), members in found.items()]
    return sorted(groups, key=lambda group: len(group.letters), reverse=True)
