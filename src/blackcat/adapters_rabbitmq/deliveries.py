"""Messages that this connection holds: RabbitMQ has no visibility timeout, so it is kept here."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

import pika
from pika.adapters.blocking_connection import BlockingChannel


@dataclass
class Delivery:
    """A message given to this connection and not acknowledged yet."""

    queue: str
    tag: int
    channel: BlockingChannel
    timer: Any


class Deliveries:
    """For the connection's thread alone.

    Each delivery has a timer that gives the message back. When the connection ends, the broker gives
    back what is left.
    """

    def __init__(self, connection: pika.BlockingConnection) -> None:
        self._connection = connection
        self._channel: BlockingChannel | None = None
        self._held: dict[str, Delivery] = {}

    def channel(self) -> BlockingChannel:
        if self._channel is None or not self._channel.is_open:
            self._channel = self._connection.channel()
            for receipt in list(self._held):  # the broker gave back what the closed channel held
                self._let_go(receipt)
        return self._channel

    def hold(self, queue: str, tag: int, seconds: float) -> str:
        """The receipt of a delivery that is given back after so many seconds."""
        receipt = str(uuid.uuid4())
        self._held[receipt] = Delivery(queue, tag, self.channel(), self._timer(receipt, seconds))
        return receipt

    def count(self, queue: str) -> int:
        return sum(delivery.queue == queue for delivery in self._held.values())

    def delete(self, receipt: str) -> bool:
        """Whether it was still held."""
        delivery = self._let_go(receipt)
        if delivery is not None:
            delivery.channel.basic_ack(delivery.tag)
        return delivery is not None

    def hide(self, receipt: str, seconds: float) -> bool:
        """Whether it was still held; no seconds at all give it back."""
        if seconds <= 0:
            return self._give_back(receipt)
        delivery = self._held.get(receipt)
        if delivery is None or not delivery.channel.is_open:
            return False
        self._connection.remove_timeout(delivery.timer)
        delivery.timer = self._timer(receipt, seconds)
        return True

    def settle(self) -> None:
        """Returns once the broker has read every acknowledgement: it answers none of them itself."""
        self.channel().basic_qos(prefetch_count=0)

    def _timer(self, receipt: str, seconds: float) -> Any:
        return self._connection.call_later(seconds, lambda: self._expire(receipt))

    def _expire(self, receipt: str) -> None:
        self._give_back(receipt)

    def _give_back(self, receipt: str) -> bool:
        delivery = self._let_go(receipt)
        if delivery is not None:
            delivery.channel.basic_nack(delivery.tag, requeue=True)
        return delivery is not None

    def _let_go(self, receipt: str) -> Delivery | None:
        delivery = self._held.pop(receipt, None)
        if delivery is None:
            return None
        self._connection.remove_timeout(delivery.timer)
        return delivery if delivery.channel.is_open else None
