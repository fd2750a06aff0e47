"""The messages of an event: a queue's records, and what a topic or bus sends to the function itself."""

from __future__ import annotations

import time
from collections.abc import Sequence

from blackcat.application.middleware import Next
from blackcat.domain.message import Message
from blackcat.domain.outcome import Handled
from blackcat.entrypoints.aws_lambda.batches import outcome_of
from blackcat.entrypoints.aws_lambda.deadline import Deadline
from blackcat.entrypoints.aws_lambda.events import Kind
from blackcat.entrypoints.aws_lambda.records import SqsRecord, eventbridge_message, sns_messages, sqs_records
from blackcat.entrypoints.aws_lambda.sources import Invocation
from blackcat.errors import ServiceFailed
from blackcat.infra.redaction import redactor

# What sends its messages to the function itself: nothing keeps them but Lambda.
DIRECTLY = (Kind.SNS, Kind.EVENTBRIDGE)


def leased_records(invocation: Invocation) -> list[SqsRecord]:
    """The records of an event of SQS. Raises InvalidEvent."""
    records = sqs_records(invocation.event)
    for record in records:
        if record.message is not None:
            _lease(record.message, invocation.deadline)
    return records


def handle_directly(invocation: Invocation, handle: Next) -> None:
    """Handle what a topic or bus sends: Lambda tries the whole event twice again when this fails.

    Raises ServiceFailed for a message that was not handled, and InvalidEvent.
    """
    for message in _messages(invocation):
        _lease(message, invocation.deadline)
        outcome = outcome_of(handle, message)
        if not isinstance(outcome, Handled):
            raise ServiceFailed(f"message {message.id} was not handled: {redactor.text(outcome.reason)}")


def _messages(invocation: Invocation) -> Sequence[Message]:
    event = invocation.event
    return sns_messages(event) if invocation.kind is Kind.SNS else [eventbridge_message(event)]


def _lease(message: Message, deadline: Deadline) -> None:
    """Ours until the function must be over: Lambda wants a visibility timeout that is longer."""
    message.lease.run_until(time.monotonic() + deadline.remaining(), time.monotonic)
