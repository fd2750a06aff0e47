"""What stands for one declared queue in RabbitMQ.

The queue ``orders`` is a quorum queue. Beside it stand ``orders.declaration``, whose one message says
what AMQP cannot be asked for (the visibility timeout and the bindings, say), and, once a message was
delayed, a ladder of queues ``orders.delay.512`` to ``orders.delay.1``: each holds its messages for so
many seconds, and a delay is the sum of the steps that the message passes. (A single queue would not do:
a message expires only at its head.)
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any

from pika import BasicProperties
from pika.adapters.blocking_connection import BlockingChannel
from pika.delivery_mode import DeliveryMode
from pika.exceptions import ChannelClosedByBroker

from blackcat.adapters_rabbitmq.errors import NOT_FOUND, SERVICE
from blackcat.adapters_rabbitmq.filters import Binding
from blackcat.errors import InvalidRequest
from blackcat.resources import MAX_VISIBILITY, QueueResource

# Together they make every whole second up to 1023: more than the longest delay of 15 minutes.
STEPS = tuple(2**power for power in range(10))
# Quorum queues give up on a message after 20 returns unless told otherwise (from RabbitMQ 4.0).
_NO_DELIVERY_LIMIT = 2**31 - 1
_PERSISTENT = BasicProperties(delivery_mode=DeliveryMode.Persistent.value)
# Another reader holds the declaration for the moment of a call.
_READS, _BETWEEN_READS_SECONDS = 50, 0.02


@dataclass(frozen=True)
class Declaration:
    """What a queue was declared with, and what was ever bound to it and not unbound since."""

    visibility_timeout: timedelta
    delay: timedelta
    dead_letter_queue: str | None
    max_receive_count: int | None
    bindings: Sequence[Binding] = ()

    @classmethod
    def of(cls, resource: QueueResource) -> Declaration:
        return cls(
            visibility_timeout=resource.visibility_timeout,
            delay=resource.delay,
            dead_letter_queue=resource.dead_letter.name if resource.dead_letter else None,
            max_receive_count=resource.max_receive_count,
        )

    @classmethod
    def read(cls, text: bytes) -> Declaration:
        found = json.loads(text)
        return cls(
            visibility_timeout=timedelta(seconds=found["visibility_timeout"]),
            delay=timedelta(seconds=found["delay"]),
            dead_letter_queue=found["dead_letter_queue"],
            max_receive_count=found["max_receive_count"],
            bindings=[Binding(**binding) for binding in found.get("bindings", ())],
        )

    def written(self) -> bytes:
        return json.dumps(
            {
                "visibility_timeout": self.visibility_timeout.total_seconds(),
                "delay": self.delay.total_seconds(),
                "dead_letter_queue": self.dead_letter_queue,
                "max_receive_count": self.max_receive_count,
                "bindings": [asdict(binding) for binding in self.bindings],
            }
        ).encode()


def declare(channel: BlockingChannel, resource: QueueResource, bindings: Sequence[Binding] = ()) -> None:
    """Creates the queue and its declaration, which says how it is from now on; messages are kept.

    ``bindings`` are those that it has already.
    """
    channel.confirm_delivery()
    channel.queue_declare(resource.name, durable=True, arguments=_arguments(resource))
    channel.queue_declare(
        _declaration_queue(resource.name),
        durable=True,
        arguments={"x-max-length": 1, "x-overflow": "drop-head"},
    )
    _write(channel, resource.name, replace(Declaration.of(resource), bindings=bindings))


def bind(channel: BlockingChannel, name: str, wanted: Sequence[Binding]) -> None:
    """Makes these, and no others, the bindings of the queue: AMQP cannot be asked for them."""
    channel.confirm_delivery()
    declaration = read_declaration(channel, name)
    gone = [binding for binding in declaration.bindings if binding not in wanted]
    # Whatever ends it half way, the next call knows of every binding there is.
    _write(channel, name, replace(declaration, bindings=[*wanted, *gone]))
    for binding in wanted:
        channel.queue_bind(name, binding.exchange, routing_key="", arguments=_matching(binding))
    for binding in gone:
        channel.queue_unbind(name, binding.exchange, routing_key="", arguments=_matching(binding))
    _write(channel, name, replace(declaration, bindings=wanted))


def delete(channel: BlockingChannel, name: str) -> None:
    """Deletes all that stands for the queue, where it is there."""
    for step in STEPS:
        channel.exchange_delete(step_name(name, step))
        channel.queue_delete(step_name(name, step))
    channel.queue_delete(_declaration_queue(name))
    channel.queue_delete(name)


def read_declaration(channel: BlockingChannel, name: str) -> Declaration:
    """Raises what a missing queue makes pika raise, and InvalidRequest for a queue of other origin."""
    channel.queue_declare(name, passive=True)
    try:
        for _ in range(_READS):
            method, _properties, body = channel.basic_get(_declaration_queue(name))
            if method is not None and body is not None:
                channel.basic_nack(method.delivery_tag, requeue=True)
                return Declaration.read(body)
            time.sleep(_BETWEEN_READS_SECONDS)
    except ChannelClosedByBroker as error:
        if error.reply_code != NOT_FOUND:
            raise
        raise _undeclared(name) from error
    raise _undeclared(name)


def _undeclared(name: str) -> InvalidRequest:
    return InvalidRequest(
        "Blackcat did not create this queue: do so with RabbitProvisioner(options).create(resource)",
        service=SERVICE,
        operation="Describe",
        resource=name,
    )


def declare_ladder(channel: BlockingChannel, name: str) -> None:
    """From the lowest step up, so that who sees the highest one may use all."""
    for step in STEPS:
        here = step_name(name, step)
        below = step_name(name, step // 2) if step > 1 else ""
        channel.exchange_declare(here, exchange_type="topic", durable=True)
        channel.queue_declare(here, durable=True, arguments=_step_arguments(name, step, below))
        channel.queue_bind(here, here, routing_key=_pattern(step, "1"))
        if below:
            channel.exchange_bind(below, here, routing_key=_pattern(step, "0"))
        else:
            channel.queue_bind(name, here, routing_key=_pattern(step, "0"))


def step_name(name: str, step: int) -> str:
    """Of the queue that holds messages for so many seconds, and of the exchange before it."""
    return f"{name}.delay.{step}"


def route(seconds: int) -> str:
    """A delay as the ladder's routing key: its binary digits, the highest first."""
    return ".".join(f"{seconds:0{len(STEPS)}b}")


def _pattern(step: int, digit: str) -> str:
    position = len(STEPS) - step.bit_length()
    digits = [digit if place == position else "*" for place in range(len(STEPS))]
    return ".".join(digits)


def _matching(binding: Binding) -> dict[str, str]:
    return {"x-match": "all", **binding.headers}


def _write(channel: BlockingChannel, name: str, declaration: Declaration) -> None:
    """In place of the one before, and on disk: its queue keeps the newest message only."""
    channel.basic_publish("", _declaration_queue(name), declaration.written(), _PERSISTENT)


def _declaration_queue(name: str) -> str:
    return f"{name}.declaration"


def _arguments(resource: QueueResource) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "x-queue-type": "quorum",
        "x-message-ttl": _milliseconds(resource.retention),
        "x-consumer-timeout": _milliseconds(MAX_VISIBILITY),
        "x-delivery-limit": _NO_DELIVERY_LIMIT,
    }
    if resource.dead_letter and resource.max_receive_count:
        arguments |= {
            # It counts the returns: the first delivery is none.
            "x-delivery-limit": resource.max_receive_count - 1,
            **_dead_letters_to("", resource.dead_letter.name),
        }
    return arguments


def _step_arguments(name: str, step: int, below: str) -> dict[str, Any]:
    ttl = {"x-queue-type": "quorum", "x-message-ttl": step * 1000}
    # Below the lowest step lies the queue itself; else the digits lead on.
    return {**ttl, **(_dead_letters_to(below) if below else _dead_letters_to("", name))}


def _dead_letters_to(exchange: str, routing_key: str | None = None) -> dict[str, Any]:
    """At least once: https://www.rabbitmq.com/docs/quorum-queues#dead-lettering"""
    arguments = {
        "x-dead-letter-exchange": exchange,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }
    return arguments if routing_key is None else {**arguments, "x-dead-letter-routing-key": routing_key}


def _milliseconds(duration: timedelta) -> int:
    return int(duration.total_seconds() * 1000)
