"""The numbers of a consumer's messages, under the names that its process gives them."""

from __future__ import annotations

import time
from datetime import datetime, timezone

from blackcat.application.metrics import metrics
from blackcat.application.middleware import Next
from blackcat.domain.message import Message
from blackcat.domain.outcome import Deferred, Handled, Outcome, Rejected, Retried


def counted(handle: Next) -> Next:
    """The handler with its messages counted by outcome, and their ages and durations observed."""
    observe_duration = metrics.observer("handler_duration_seconds")
    observe_age = metrics.observer("queue_age_seconds")

    def count(message: Message) -> Outcome:
        if not metrics.enabled:
            return handle(message)
        metrics.count("messages_received")
        if message.sent_at is not None:
            # By two machines' clocks.
            observe_age(max(0.0, (datetime.now(timezone.utc) - message.sent_at).total_seconds()))
        began = time.perf_counter()
        outcome = handle(message)
        observe_duration(time.perf_counter() - began)
        if isinstance(outcome, Handled | Retried | Deferred | Rejected):  # a middleware may return anything
            metrics.count(f"messages_{type(outcome).__name__.lower()}")
        return outcome

    return count
