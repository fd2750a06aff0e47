"""How SQS keeps messages: visibility, redelivery, order within groups, deduplication."""

from __future__ import annotations

import hashlib
import itertools
import math
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from blackcat.application.ports import BatchFailure, Clock, QueueDepth
from blackcat.domain.message import Message
from blackcat.domain.outgoing import OutgoingMessage
from blackcat.errors import InvalidRequest
from blackcat.resources import QueueResource

# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/using-messagededuplicationid-property.html
DEDUPLICATION_WINDOW = timedelta(minutes=5)


@dataclass
class StoredMessage:
    """A message in a mailbox; times are the clock's monotonic seconds."""

    id: str
    content: OutgoingMessage
    deduplication_id: str | None
    sequence_number: str | None
    sent_at: datetime
    visible_at: float
    expires_at: float
    receive_count: int = 0
    receipt: str = ""
    deleted: bool = False

    def in_flight(self, now: float) -> bool:
        return self.receive_count > 0 and self.visible_at > now

    def as_received(self) -> Message:
        return Message(
            id=self.id,
            body=self.content.body,
            receipt=self.receipt,
            attributes=dict(self.content.attributes),
            receive_count=self.receive_count,
            sent_at=self.sent_at,
            group_id=self.content.group_id,
            deduplication_id=self.deduplication_id,
            sequence_number=self.sequence_number,
        )


class Mailbox:
    """What one queue holds. Not safe to share between threads: the broker locks."""

    def __init__(self, resource: QueueResource, clock: Clock, dead_letters: Mailbox | None) -> None:
        self.resource = resource
        self._clock = clock
        self._dead_letters = dead_letters
        self._messages: list[StoredMessage] = []
        self._by_receipt: dict[str, StoredMessage] = {}
        self._sent: dict[str, tuple[float, str]] = {}
        self._sequence = itertools.count(1)

    def put(self, content: OutgoingMessage) -> str:
        """The id of the message; of the earlier one, for a duplicate. Raises InvalidRequest."""
        deduplication_id = self._deduplication_id(content)
        duplicate_of = self._sent_within_window(deduplication_id)
        if duplicate_of:
            return duplicate_of
        delay = self.resource.delay if content.delay is None else content.delay
        message = StoredMessage(
            id=str(uuid.uuid4()),
            content=content,
            deduplication_id=deduplication_id,
            sequence_number=f"{next(self._sequence):020}" if self.resource.fifo else None,
            sent_at=self._clock.now(),
            visible_at=self._now() + delay.total_seconds(),
            expires_at=self._now() + self.resource.retention.total_seconds(),
        )
        self._messages.append(message)
        if deduplication_id:
            self._sent[deduplication_id] = (self._now(), message.id)
        return message.id

    def take(self, limit: int) -> list[Message]:
        """Up to ``limit`` messages, hidden from now on for the queue's visibility timeout."""
        self._drop_expired()
        self._redrive()
        taken = list(itertools.islice(self._available(), limit))
        for message in taken:
            message.receive_count += 1
            message.receipt = str(uuid.uuid4())
            message.visible_at = self._now() + self.resource.visibility_timeout.total_seconds()
            self._by_receipt[message.receipt] = message
        return [message.as_received() for message in taken]

    def delete(self, receipt: str, index: int) -> BatchFailure | None:
        """Standard queues delete what expired but was not received again; FIFO queues refuse it.

        With a receipt of an earlier time a standard queue deletes nothing, and says that it did.
        https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteMessage.html
        https://repost.aws/knowledge-center/sqs-receipt-handle-error
        """
        message = self._by_receipt.get(receipt)
        if message is None:
            return _unknown_receipt(index)
        latest = message.receipt == receipt
        if self.resource.fifo and not (latest and message.in_flight(self._now())):
            return _expired_receipt(index, "The receipt handle has expired")
        if latest:
            message.deleted = True
            self._messages = [other for other in self._messages if other is not message]
        return None

    def hide(self, receipt: str, timeout: timedelta, index: int) -> BatchFailure | None:
        """Only what is still in flight can be hidden for longer, or shown."""
        message = self._by_receipt.get(receipt)
        if message is None:
            return _unknown_receipt(index)
        if message.deleted or message.receipt != receipt or not message.in_flight(self._now()):
            return _expired_receipt(
                index, "Message does not exist or is not available for visibility timeout change"
            )
        message.visible_at = self._now() + timeout.total_seconds()
        return None

    def depth(self) -> QueueDepth:
        self._drop_expired()
        now = self._now()
        in_flight = sum(message.in_flight(now) for message in self._messages)
        hidden = sum(message.visible_at > now for message in self._messages)
        return QueueDepth(len(self._messages) - hidden, in_flight, hidden - in_flight)

    def _now(self) -> float:
        return self._clock.monotonic()

    def _available(self) -> Iterator[StoredMessage]:
        now = self._now()
        blocked = {
            message.content.group_id
            for message in self._messages
            if self.resource.fifo and message.in_flight(now)
        }
        for message in self._messages:
            if self.resource.fifo and message.content.group_id in blocked:
                continue
            if message.visible_at <= now:
                yield message

    def _redrive(self) -> None:
        most = self.resource.max_receive_count
        if self._dead_letters is None or most is None:
            return
        now = self._now()
        for message in list(self._messages):
            if message.receive_count >= most and message.visible_at <= now:
                self._messages.remove(message)
                self._dead_letters.admit(message)

    def admit(self, message: StoredMessage) -> None:
        """Takes a dead letter. Its age counts on, save in FIFO queues.

        https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
        """
        age = timedelta(0) if self.resource.fifo else self._clock.now() - message.sent_at
        message.expires_at = self._now() + (self.resource.retention - age).total_seconds()
        message.receipt = ""
        self._messages.append(message)

    def _drop_expired(self) -> None:
        now = self._now()
        self._messages = [message for message in self._messages if message.expires_at > now]

    def _sent_within_window(self, deduplication_id: str | None) -> str | None:
        # Deleting a message does not end its window.
        sent_at, message_id = self._sent.get(deduplication_id or "", (-math.inf, None))
        return message_id if self._now() - sent_at < DEDUPLICATION_WINDOW.total_seconds() else None

    def _deduplication_id(self, content: OutgoingMessage) -> str | None:
        if not self.resource.fifo or content.deduplication_id:
            return content.deduplication_id
        if not self.resource.content_based_deduplication:
            raise InvalidRequest(
                "the queue should either have content_based_deduplication, or be sent a deduplication_id",
                resource=self.resource.name,
                code="InvalidParameterValue",
            )
        return hashlib.sha256(content.body.encode()).hexdigest()


def _unknown_receipt(index: int) -> BatchFailure:
    return BatchFailure(index, "ReceiptHandleIsInvalid", "The input receipt handle is invalid", False)


def _expired_receipt(index: int, reason: str) -> BatchFailure:
    return BatchFailure(index, "InvalidParameterValue", reason, False)
