"""The copy of a rejected message that goes to the dead-letter queue."""

from __future__ import annotations

from collections.abc import Callable

from blackcat.application.tracing import trace_id_of
from blackcat.domain.message import Attribute, Message
from blackcat.domain.outcome import Rejected
from blackcat.domain.outgoing import (
    FORBIDDEN_CHARACTER,
    MAX_ATTRIBUTES,
    MAX_MESSAGE_BYTES,
    OutgoingMessage,
    size_of,
)

# Enough for an explanation; a body may take almost all of the message's size.
_REASON_MAX = 1000
# What is added to the copy, in this order.
EXPLANATION = tuple(
    f"blackcat.{name}" for name in ("reason", "exception", "attempts", "service", "version", "trace_id")
)


def dead_letter_copy(
    message: Message, outcome: Rejected, *, service: str, version: str, redact: Callable[[str], str]
) -> OutgoingMessage:
    """The original body and attributes, with why, after how many attempts and by which service and version.

    What the ten attributes or the size leave no room for is left out, the reason last.
    Raises InvalidMessage for a body that no queue would take.
    """
    # A message that came back from a dead-letter queue as SQS moves it still tells why it was there.
    original = {name: value for name, value in message.original_attributes.items() if name not in EXPLANATION}
    room = MAX_ATTRIBUTES - len(original)
    added = dict(list(_explanation(message, outcome, service, version, redact).items())[: max(room, 0)])
    attributes = {**original, **added}
    fits = size_of(message.original_body, attributes) <= MAX_MESSAGE_BYTES
    return OutgoingMessage(
        body=message.original_body,
        attributes=attributes if fits else original,
        group_id=message.group_id,
        # Its own deduplication id may be that of an earlier dead letter, which would swallow this one.
        deduplication_id=message.id if message.deduplication_id else None,
    )


def _explanation(
    message: Message, outcome: Rejected, service: str, version: str, redact: Callable[[str], str]
) -> dict[str, Attribute]:
    reason = _printable(redact(outcome.reason))[:_REASON_MAX] or "no reason given"
    error = outcome.error.__cause__ or outcome.error if outcome.error else None
    told = (
        Attribute(reason),
        Attribute(type(error).__name__ if error else "Reject"),
        Attribute(str(message.receive_count), "Number"),
        Attribute(service),
        Attribute(version),
        Attribute(outcome.trace_id or trace_id_of(message)),
    )
    return {name: attribute for name, attribute in zip(EXPLANATION, told, strict=True) if attribute.value}


def _printable(text: str) -> str:
    """The text without what SQS refuses, on one line."""
    return FORBIDDEN_CHARACTER.sub("?", text).translate({9: " ", 10: " ", 13: " "}).strip()
