"""What becomes of a message once its handler is done.

A handler that returns has handled its message. It raises ``Retry`` to choose when the message comes
back, ``Reject`` to dead-letter it at once; any other exception retries after the service's backoff.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta


class Retry(Exception):  # noqa: N818 - a decision of the handler's, not an error
    """Raise it to see the message again after ``after`` (default: the service's backoff), up to 12 hours."""

    def __init__(self, reason: str = "", *, after: timedelta | None = None) -> None:
        if not isinstance(reason, str):
            raise TypeError(f"Retry takes a reason, not {reason!r}: write Retry(after=...) for the delay")
        if after is not None and not isinstance(after, timedelta):
            raise TypeError(f"after must be a timedelta, not {after!r}: write timedelta(seconds=...)")
        super().__init__(reason or "the handler asked for a retry")
        self.after = after


class Reject(Exception):  # noqa: N818 - a decision of the handler's, not an error
    """Raise it to move the message to the dead-letter queue at once, with the reason."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = str(reason)


@dataclass(frozen=True, slots=True)
class Handled:
    """The handler returned: the message is deleted."""


@dataclass(frozen=True, slots=True)
class Retried:
    """The message comes back ``after`` a while, or after the service's backoff when that is None."""

    reason: str
    error: BaseException | None = None
    after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Deferred:
    """Not now, and nothing failed: the message comes back ``after`` a while."""

    reason: str
    after: timedelta


@dataclass(frozen=True, slots=True)
class Rejected:
    """The message goes to the dead-letter queue, with the reason, and the trace in which it was rejected."""

    reason: str
    error: BaseException | None = None
    trace_id: str = field(default="", compare=False)


Outcome = Handled | Retried | Deferred | Rejected

HANDLED = Handled()
