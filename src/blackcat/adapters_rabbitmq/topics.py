"""Topics in RabbitMQ: headers exchanges."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from typing import Any, TypeVar

from pika.adapters.blocking_connection import BlockingChannel

from blackcat.adapters_rabbitmq.connection import RabbitConnection, Session
from blackcat.adapters_rabbitmq.fifo import require_standard_topic
from blackcat.adapters_rabbitmq.filters import headers_of, raw_exchange
from blackcat.adapters_rabbitmq.messages import checked, properties
from blackcat.adapters_rabbitmq.publishing import published_in_turn
from blackcat.application.ports import BatchResult
from blackcat.domain.envelope import sns_notification
from blackcat.domain.message import AttributeValue
from blackcat.domain.outgoing import OutgoingMessage, for_topic, outgoing
from blackcat.errors import TopicNotFound

T = TypeVar("T")


class RabbitTopic:
    """One topic, made by RabbitProvisioner. Safe to share between threads.

    It is two headers exchanges: queues are bound to the one of its name, where a message stands in the
    envelope that SNS would give it, or with ``raw_delivery`` to the one beside it. Messages that no
    binding matches are dropped, as by SNS. https://www.rabbitmq.com/docs/exchanges
    """

    def __init__(self, name: str, connection: RabbitConnection) -> None:
        require_standard_topic(name)
        self._name = name
        self._connection = connection

    @property
    def name(self) -> str:
        return self._name

    def publish(
        self,
        payload: Any,
        *,
        attributes: Mapping[str, AttributeValue] | None = None,
        group_id: str | None = None,
        deduplication_id: str | None = None,
    ) -> str:
        """Raises TopicNotFound, and InvalidMessage for attributes that RabbitMQ cannot carry or match."""
        message = outgoing(
            payload, attributes=attributes, group_id=group_id, deduplication_id=deduplication_id
        )
        ready = _Publication(for_topic(message, self._name), self._name)
        return self._connection.call(
            ready.publish, operation="Publish", resource=self._name, missing=TopicNotFound
        )

    def publish_batch(self, messages: Iterable[OutgoingMessage]) -> BatchResult:
        """Each message is confirmed by itself: RabbitMQ has no batches."""
        ready = [_Publication(for_topic(message, self._name), self._name) for message in messages]

        def publish(session: Session) -> BatchResult:
            return published_in_turn(
                ready, lambda one: one.publish(session), operation="PublishBatch", resource=self._name
            )

        if not ready:
            return BatchResult({})
        return self._connection.call(
            publish, operation="PublishBatch", resource=self._name, missing=TopicNotFound
        )


class _Publication:
    """A message in both forms. Raises InvalidMessage."""

    def __init__(self, message: OutgoingMessage, topic: str) -> None:
        self._id = str(uuid.uuid4())
        self._headers = headers_of(message.attributes, topic)
        enveloped = OutgoingMessage(_notification(self._id, message, topic), group_id=message.group_id)
        self._forms = {topic: enveloped, raw_exchange(topic): checked(message, f"topic '{topic}'")}

    def publish(self, session: Session) -> str:
        for exchange, form in self._forms.items():
            sent = properties(form, message_id=self._id, headers=self._headers)
            session.publishing().basic_publish(exchange, "", form.body.encode(), sent)
        return self._id


def declare_topic(channel: BlockingChannel, name: str) -> None:
    """Creates the topic's exchanges; what is bound to them stays so."""
    for exchange in (name, raw_exchange(name)):
        channel.exchange_declare(exchange, exchange_type="headers", durable=True)


def delete_topic(channel: BlockingChannel, name: str) -> None:
    for exchange in (name, raw_exchange(name)):
        channel.exchange_delete(exchange)


def _notification(message_id: str, message: OutgoingMessage, topic: str) -> str:
    """As SNS writes it, with an ARN that leads nowhere in AWS."""
    arn, now = f"arn:rabbitmq:topic:::{topic}", datetime.now(timezone.utc)
    notification = sns_notification(message, id=message_id, topic_arn=arn, at=now)
    return json.dumps(notification, ensure_ascii=False)
