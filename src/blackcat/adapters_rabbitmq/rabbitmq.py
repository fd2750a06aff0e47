"""RabbitMQ as broker: queues and topics found by name."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, TypeVar

from pika.exceptions import ChannelClosedByBroker

from blackcat.adapters_rabbitmq.connection import RabbitConnection, RabbitOptions, Session
from blackcat.adapters_rabbitmq.errors import NOT_FOUND
from blackcat.adapters_rabbitmq.fifo import require_standard
from blackcat.adapters_rabbitmq.messages import checked, properties, received
from blackcat.adapters_rabbitmq.publishing import published_in_turn
from blackcat.adapters_rabbitmq.topics import RabbitTopic
from blackcat.adapters_rabbitmq.topology import (
    STEPS,
    Declaration,
    declare_ladder,
    read_declaration,
    route,
    step_name,
)
from blackcat.application.ports import BatchFailure, BatchResult, QueueDepth, QueueDescription, Visibility
from blackcat.domain.message import MAX_PER_RECEIVE, MAX_WAIT, AttributeValue, Message
from blackcat.domain.outgoing import OutgoingMessage, for_queue, outgoing
from blackcat.errors import InvalidRequest, QueueNotFound
from blackcat.resources import MAX_VISIBILITY

T = TypeVar("T")

# A waiting receiver asks this often whether there is a message.
_LOOK_EVERY_SECONDS = 0.1


class RabbitBroker:
    """The queues and topics of one virtual host, over one connection. Safe to share between threads.

    FIFO is refused: what else RabbitMQ does otherwise than SQS stands in docs/en/rabbitmq.md.
    """

    def __init__(self, options: RabbitOptions) -> None:
        self._connection = RabbitConnection(options)
        self._lock = threading.Lock()
        self._queues: dict[str, RabbitQueue] = {}

    def queue(self, name: str) -> RabbitQueue:
        """Raises InvalidDeclaration for a FIFO queue."""
        require_standard(name)
        with self._lock:
            return self._queues.setdefault(name, RabbitQueue(name, self._connection))

    def topic(self, name: str) -> RabbitTopic:
        """Raises InvalidDeclaration for a FIFO topic."""
        return RabbitTopic(name, self._connection)

    def describe(self, name: str) -> QueueDescription:
        declaration = self.queue(name).declaration()
        return QueueDescription(
            visibility_timeout=declaration.visibility_timeout,
            dead_letter_queue=declaration.dead_letter_queue,
            max_receive_count=declaration.max_receive_count,
        )

    def depth(self, name: str) -> QueueDepth:
        """``in_flight`` counts what this broker's own connection holds: AMQP does not tell of others."""
        require_standard(name)

        def ask(session: Session) -> QueueDepth:
            return QueueDepth(
                waiting=_waiting(session, name),
                in_flight=session.deliveries.count(name),
                delayed=_delayed(session, name),
            )

        return self._connection.call(ask, operation="Depth", resource=name)

    def close(self) -> None:
        """Ends the connection; messages still held go to other receivers at once."""
        self._connection.close()


class RabbitQueue:
    """One quorum queue, made by RabbitProvisioner. Safe to share between threads.

    A receipt is good for the connection that received it. https://www.rabbitmq.com/docs/quorum-queues
    """

    def __init__(self, name: str, connection: RabbitConnection) -> None:
        self._name = name
        self._connection = connection
        self._declaration: Declaration | None = None
        self._has_ladder = False

    @property
    def name(self) -> str:
        return self._name

    def declaration(self) -> Declaration:
        """What the queue was declared with. Raises QueueNotFound."""

        def ask(session: Session) -> Declaration:
            with session.asking() as channel:
                return read_declaration(channel, self._name)

        self._declaration = self._call("Describe", ask)
        return self._declaration

    def send(
        self,
        payload: Any,
        *,
        attributes: Mapping[str, AttributeValue] | None = None,
        delay: timedelta | None = None,
        group_id: str | None = None,
        deduplication_id: str | None = None,
    ) -> str:
        message = outgoing(
            payload,
            attributes=attributes,
            delay=delay,
            group_id=group_id,
            deduplication_id=deduplication_id,
        )
        self._checked(message)
        delay_seconds = self._delay(message)
        return self._call("Send", lambda session: self._publish(session, message, delay_seconds))

    def send_batch(self, messages: Iterable[OutgoingMessage]) -> BatchResult:
        """Each message is confirmed by itself: RabbitMQ has no batches."""
        checked_messages = [self._checked(message) for message in messages]
        ready = [(message, self._delay(message)) for message in checked_messages]

        def publish(session: Session) -> BatchResult:
            return published_in_turn(
                ready,
                lambda one: self._publish(session, *one),
                operation="SendBatch",
                resource=self._name,
            )

        return self._call("SendBatch", publish) if ready else BatchResult({})

    def receive(self, *, limit: int = MAX_PER_RECEIVE, wait: timedelta = timedelta(0)) -> Sequence[Message]:
        if not 1 <= limit <= MAX_PER_RECEIVE:
            raise InvalidRequest(f"limit must be 1 to {MAX_PER_RECEIVE}, not {limit}", resource=self._name)
        if not timedelta(0) <= wait <= MAX_WAIT:
            raise InvalidRequest(f"wait must lie between 0 and {MAX_WAIT}, not {wait}", resource=self._name)
        seconds = self._known().visibility_timeout.total_seconds()
        deadline = time.monotonic() + wait.total_seconds()
        while True:
            messages = self._call("Receive", lambda session: self._take(session, limit, seconds))
            left = deadline - time.monotonic()
            if messages or left <= 0:
                return messages
            time.sleep(min(left, _LOOK_EVERY_SECONDS))

    def delete(self, receipts: Sequence[str]) -> BatchResult:
        return self._settle("Delete", [(receipt, receipt) for receipt in receipts], _delete)

    def extend(self, changes: Sequence[Visibility]) -> BatchResult:
        for change in changes:
            if not timedelta(0) <= change.timeout <= MAX_VISIBILITY:
                raise InvalidRequest(
                    f"a message can be hidden for 0 to {MAX_VISIBILITY}, not {change.timeout}",
                    resource=self._name,
                )
        return self._settle("Extend", [(change.receipt, change) for change in changes], _hide)

    def release(self, receipts: Sequence[str]) -> BatchResult:
        return self.extend([Visibility(receipt, timedelta(0)) for receipt in receipts])

    def _checked(self, message: OutgoingMessage) -> OutgoingMessage:
        return checked(for_queue(message, self._name), f"queue '{self._name}'")

    def _known(self) -> Declaration:
        return self._declaration or self.declaration()

    def _delay(self, message: OutgoingMessage) -> int:
        """In whole seconds, rounded up."""
        delay = self._known().delay if message.delay is None else message.delay
        return math.ceil(delay.total_seconds())

    def _publish(self, session: Session, message: OutgoingMessage, delay: int) -> str:
        if delay and not self._has_ladder:
            with session.asking() as channel:
                declare_ladder(channel, self._name)
            self._has_ladder = True
        exchange, key = (step_name(self._name, STEPS[-1]), route(delay)) if delay else ("", self._name)
        sent = properties(message)
        session.publishing().basic_publish(exchange, key, message.body.encode(), sent, mandatory=True)
        return str(sent.message_id)

    def _take(self, session: Session, limit: int, seconds: float) -> list[Message]:
        channel = session.deliveries.channel()
        messages: list[Message] = []
        for _ in range(min(limit, _waiting(session, self._name))):
            method, sent, body = channel.basic_get(self._name)
            if method is None or sent is None or body is None:
                break
            receipt = session.deliveries.hold(self._name, method.delivery_tag, seconds)
            messages.append(received(sent, body, receipt))
        return messages

    def _settle(
        self, operation: str, entries: Sequence[tuple[str, T]], settle: Callable[[Session, T], bool]
    ) -> BatchResult:
        def call(session: Session) -> BatchResult:
            held = [settle(session, entry) for _, entry in entries]
            session.deliveries.settle()
            receipts = [receipt for receipt, _ in entries]
            succeeded = {index: receipts[index] for index, was_held in enumerate(held) if was_held}
            return BatchResult(
                succeeded, _not_held(index for index, was_held in enumerate(held) if not was_held)
            )

        return self._call(operation, call) if entries else BatchResult({})

    def _call(self, operation: str, function: Callable[[Session], T]) -> T:
        try:
            return self._connection.call(function, operation=operation, resource=self._name)
        except QueueNotFound:
            # Whoever creates the queue again may declare it otherwise.
            self._declaration, self._has_ladder = None, False
            raise


def _waiting(session: Session, name: str) -> int:
    with session.asking() as channel:
        found: int = channel.queue_declare(name, passive=True).method.message_count
        return found


def _delayed(session: Session, name: str) -> int:
    try:
        return sum(_waiting(session, step_name(name, step)) for step in reversed(STEPS))
    except ChannelClosedByBroker as error:
        if error.reply_code != NOT_FOUND:
            raise
        return 0  # no message was ever delayed


def _delete(session: Session, receipt: str) -> bool:
    return session.deliveries.delete(receipt)


def _hide(session: Session, change: Visibility) -> bool:
    return session.deliveries.hide(change.receipt, change.timeout.total_seconds())


def _not_held(indices: Iterable[int]) -> tuple[BatchFailure, ...]:
    reason = "the message is no longer held: its visibility timeout ran out, or the connection was lost"
    return tuple(BatchFailure(index, "ReceiptHandleIsInvalid", reason, False) for index in indices)
