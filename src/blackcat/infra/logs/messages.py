"""The middleware that logs each message once, with its outcome and durations; never its body."""

from __future__ import annotations

import time
from datetime import datetime, timezone
from typing import Any

from blackcat.application.events import EventLog
from blackcat.application.middleware import Next
from blackcat.domain.message import Message
from blackcat.domain.outcome import Deferred, Handled, Outcome, Retried
from blackcat.infra.logs.logs import bind_log_fields, clear_log_fields

log = EventLog("blackcat.consumer")


def log_message(message: Message, call_next: Next) -> Outcome:
    """Every line that the handler logs carries the message id too."""
    bind_log_fields(message_id=message.id)
    queued = _queued_ms(message)
    started = time.perf_counter()
    try:
        outcome = call_next(message)
        _log(outcome, message, round((time.perf_counter() - started) * 1000, 1), queued)
        return outcome
    finally:
        clear_log_fields()


def _queued_ms(message: Message) -> int | None:
    """The milliseconds from its sending to the start of its handler, by two machines' clocks."""
    if message.sent_at is None:
        return None
    return max(0, round((datetime.now(timezone.utc) - message.sent_at).total_seconds() * 1000))


def _log(outcome: Outcome, message: Message, duration_ms: float, queue_ms: int | None) -> None:
    fields: dict[str, Any] = {"attempt": message.receive_count, "duration_ms": duration_ms}
    if queue_ms is not None:
        fields["queue_ms"] = queue_ms
    if isinstance(outcome, Handled):
        log.info("message.handled", **fields)
    elif isinstance(outcome, Deferred):
        log.info("message.deferred", reason=outcome.reason, **fields)
    elif isinstance(outcome, Retried):
        log.warning("message.retried", error=outcome.error, reason=outcome.reason, **fields)
    else:
        log.error("message.rejected", reason=outcome.reason, **fields)
