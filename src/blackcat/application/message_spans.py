"""The middleware that makes one span of each message: from its sender's, in the same trace."""

from __future__ import annotations

from dataclasses import replace

from blackcat.application.middleware import Next
from blackcat.application.tracing import Span, Value, carrier_of, tracing
from blackcat.domain.message import Message
from blackcat.domain.outcome import Outcome, Rejected, Retried


class MessageSpans:
    """A span for each attempt at a message, with its outcome; that of who sent it is the parent.

    One trace leads so from a request through queues and topics to the last database call.
    https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/
    """

    def __init__(self, *, queue: str, system: str) -> None:
        self._name = f"process {queue}"
        self._attributes: dict[str, Value] = {
            "messaging.system": system,
            "messaging.destination.name": queue,
            "messaging.operation.name": "process",
            "messaging.operation.type": "process",
        }

    def __call__(self, message: Message, call_next: Next) -> Outcome:
        attributes = {
            **self._attributes,
            "messaging.message.id": message.id,
            "blackcat.attempt": message.receive_count,
        }
        parent = carrier_of(message)
        with tracing.span(self._name, kind="consumer", parent=parent, attributes=attributes) as span:
            outcome = call_next(message)
            _tell(span, outcome)
            # Its copy is made when the span has ended.
            return replace(outcome, trace_id=tracing.trace_id()) if isinstance(outcome, Rejected) else outcome


def _tell(span: Span, outcome: Outcome) -> None:
    span.set({"blackcat.outcome": type(outcome).__name__.lower()})
    if isinstance(outcome, Retried | Rejected):
        span.fail(outcome.error or outcome.reason)
