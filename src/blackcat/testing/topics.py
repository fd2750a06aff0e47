"""A topic in memory, which delivers to queues as SNS does."""

from __future__ import annotations

import hashlib
import threading
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from blackcat.application.clock import SystemClock
from blackcat.application.ports import BatchFailure, BatchResult, Clock, Queue
from blackcat.domain.envelope import sns_notification
from blackcat.domain.message import AttributeValue
from blackcat.domain.outgoing import OutgoingMessage, for_topic, outgoing
from blackcat.errors import InvalidRequest
from blackcat.resources import FIFO_SUFFIX, TopicResource

# https://docs.aws.amazon.com/sns/latest/api/API_Publish.html


class InMemoryTopic:
    """A topic that remembers what was ``published`` and delivers it to subscribed queues at once.

    Subscriptions have no filter. Safe to share between threads.
    """

    def __init__(self, resource: TopicResource, clock: Clock | None = None) -> None:
        self.resource = resource
        self.published: list[OutgoingMessage] = []
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._subscriptions: list[tuple[Queue, bool]] = []

    @property
    def name(self) -> str:
        return self.resource.name

    def subscribe(self, queue: Queue, *, raw_delivery: bool = False) -> None:
        """From now on the queue receives what is published: as it is, or in SNS's envelope."""
        with self._lock:
            self._subscriptions.append((queue, raw_delivery))

    def publish(
        self,
        payload: Any,
        *,
        attributes: Mapping[str, AttributeValue] | None = None,
        group_id: str | None = None,
        deduplication_id: str | None = None,
    ) -> str:
        message = outgoing(
            payload, attributes=attributes, group_id=group_id, deduplication_id=deduplication_id
        )
        return self._publish(for_topic(message, self.name))

    def publish_batch(self, messages: Iterable[OutgoingMessage]) -> BatchResult:
        checked = [for_topic(message, self.name) for message in messages]
        succeeded, failed = {}, []
        for index, message in enumerate(checked):
            try:
                succeeded[index] = self._publish(message)
            except InvalidRequest as error:
                failed.append(BatchFailure(index, error.code, error.detail, error.transient))
        return BatchResult(succeeded, tuple(failed))

    def _publish(self, message: OutgoingMessage) -> str:
        message_id = str(uuid.uuid4())
        deduplication_id = self._deduplication_id(message)
        # Under the lock, so that queues receive in the order of publishing.
        with self._lock:
            self.published.append(message)
            for queue, raw_delivery in self._subscriptions:
                queue.send(
                    message.body if raw_delivery else self._notification(message_id, message),
                    attributes=message.attributes if raw_delivery else None,
                    group_id=message.group_id,
                    deduplication_id=deduplication_id if queue.name.endswith(FIFO_SUFFIX) else None,
                )
        return message_id

    def _deduplication_id(self, message: OutgoingMessage) -> str | None:
        if not self.resource.fifo or message.deduplication_id:
            return message.deduplication_id
        if not self.resource.content_based_deduplication:
            raise InvalidRequest(
                "the topic should either have content_based_deduplication, or be sent a deduplication_id",
                resource=self.name,
                code="InvalidParameter",
            )
        return hashlib.sha256(message.body.encode()).hexdigest()

    def _notification(self, message_id: str, message: OutgoingMessage) -> dict[str, Any]:
        topic_arn = f"arn:aws:sns:us-east-1:000000000000:{self.name}"
        return sns_notification(message, id=message_id, topic_arn=topic_arn, at=self._clock.now())
