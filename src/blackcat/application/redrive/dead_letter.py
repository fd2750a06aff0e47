"""A message of a dead-letter queue: why it is there, and the message that it was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from blackcat.application.consumer.dead_letters import EXPLANATION
from blackcat.domain.message import Attribute, Message
from blackcat.domain.outgoing import OutgoingMessage

UNTOLD = "received too often (moved by the queue itself, which tells no reason)"


@dataclass(frozen=True)
class DeadLetter:
    """What a dead letter tells of itself. One that SQS's redrive policy moved tells nothing."""

    message: Message

    @property
    def reason(self) -> str:
        return self._told("reason") or UNTOLD

    @property
    def exception(self) -> str | None:
        return self._told("exception")

    @property
    def attempts(self) -> int | None:
        """How often it was received before it was rejected."""
        told = self._told("attempts") or ""
        return int(told) if told.isdecimal() else None

    @property
    def service(self) -> str | None:
        return self._told("service")

    @property
    def version(self) -> str | None:
        return self._told("version")

    @property
    def own_attributes(self) -> Mapping[str, Attribute]:
        """The attributes that its sender gave it."""
        attributes = self.message.original_attributes
        return {name: value for name, value in attributes.items() if name not in EXPLANATION}

    def _told(self, name: str) -> str | None:
        attribute = self.message.original_attributes.get(f"blackcat.{name}")
        return attribute.value if attribute and isinstance(attribute.value, str) else None


def redriven_copy(message: Message, *, fifo: bool) -> OutgoingMessage:
    """The message as its sender wrote it, for a queue that is FIFO or not. Raises InvalidMessage.

    In a FIFO queue it is known by the id of the dead letter: its first deduplication id might still
    swallow it, and one that is sent again within five minutes, after an interruption, is no duplicate.
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/using-messagededuplicationid-property.html
    """
    return OutgoingMessage(
        body=message.original_body,
        attributes=DeadLetter(message).own_attributes,
        group_id=message.group_id,
        deduplication_id=message.id if fifo else None,
    )


def as_first_received(message: Message) -> Message:
    """The message as its consumer would receive it once it is redriven."""
    return replace(message, attributes=DeadLetter(message).own_attributes, receive_count=1)
