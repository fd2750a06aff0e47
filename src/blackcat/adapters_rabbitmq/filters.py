"""Subscriptions as bindings: what SNS filters by a policy, RabbitMQ filters by headers.

A headers exchange compares whole values. So a policy that lists exact texts becomes one binding for
each combination of them, and any other policy is refused: RabbitMQ would deliver too much or too little.
https://www.rabbitmq.com/tutorials/amqp-concepts#exchange-headers
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from blackcat.adapters_rabbitmq.fifo import require_standard, require_standard_topic
from blackcat.domain.message import Attribute
from blackcat.errors import InvalidDeclaration, InvalidMessage
from blackcat.resources import BusRule, Subscription

# SNS's own limit, https://docs.aws.amazon.com/sns/latest/dg/subscription-filter-policy-constraints.html
MAX_COMBINATIONS = 150
# A header's name is a short string of AMQP, of 255 bytes; long values would crowd the frame.
MAX_NAME_LENGTH = 200
MAX_VALUE_BYTES = 256

_HEADER = "blackcat-attribute."
_ARRAY = "String.Array"
_KEEP_ON_SQS = "or keep the queues on SQS: unset QUEUE_BACKEND"


@dataclass(frozen=True)
class Binding:
    """What leads from a topic's exchange to a queue: all these headers, and these values."""

    exchange: str
    headers: Mapping[str, str]


def raw_exchange(topic: str) -> str:
    """The exchange beside a topic's own, which takes its messages without an envelope."""
    return f"{topic}.raw"


def bindings(queue: str, sources: Sequence[Subscription | BusRule]) -> list[Binding]:
    """All bindings of a queue. Raises InvalidDeclaration for what RabbitMQ cannot deliver to it."""
    require_standard(queue)
    return [binding for source in sources for binding in _bindings(queue, source)]


def headers_of(attributes: Mapping[str, Attribute], topic: str) -> dict[str, str]:
    """What bindings look at. Raises InvalidMessage for a list, which SNS would match by its members."""
    found: dict[str, str] = {}
    for name, attribute in attributes.items():
        if attribute.type == _ARRAY:
            raise InvalidMessage(
                f"attribute '{name}' for topic '{topic}' is a {_ARRAY}, which no filter in RabbitMQ could "
                f"match: publish one value, {_KEEP_ON_SQS}"
            )
        if attribute.type == "String" and not _problem(name, attribute.value):
            found[_HEADER + name] = str(attribute.value)
    return found


def _bindings(queue: str, source: Subscription | BusRule) -> Iterator[Binding]:
    if isinstance(source, BusRule):
        raise InvalidDeclaration(
            f"queue '{queue}' takes events of the bus '{source.bus.name}', which EventBridge delivers to SQS "
            "only: subscribe it to a topic instead, or keep the queues on SQS: unset QUEUE_BACKEND"
        )
    require_standard_topic(source.topic.name)
    exchange = raw_exchange(source.topic.name) if source.raw_delivery else source.topic.name
    for combination in _combinations(source, f"subscription of queue '{queue}' to '{source.topic.name}'"):
        yield Binding(exchange, combination)


def _combinations(subscription: Subscription, subject: str) -> Iterator[dict[str, str]]:
    policy = subscription.filter_policy or {}
    for name, wanted in policy.items():
        _require_exact(name, wanted, subject)
    count = math.prod(len(wanted) for wanted in policy.values())
    if count > MAX_COMBINATIONS:
        raise InvalidDeclaration(
            f"{subject}: filter_policy has {count} combinations of values, more than the "
            f"{MAX_COMBINATIONS} that SNS takes too: list fewer values"
        )
    for values in itertools.product(*policy.values()):
        yield {_HEADER + name: value for name, value in zip(policy, values, strict=True)}


def _require_exact(name: str, wanted: Any, subject: str) -> None:
    if not isinstance(wanted, list | tuple) or not wanted:
        problem: str | None = "RabbitMQ matches a list of exact texts, such as ['a', 'b']"
    else:
        problem = next(filter(None, (_problem(name, value) for value in wanted)), None)
    if problem:
        raise InvalidDeclaration(
            f"{subject}: filter_policy[{name!r}] is {wanted!r}: {problem}; filter in the handler, "
            f"{_KEEP_ON_SQS}"
        )


def _problem(name: str, value: object) -> str | None:
    """Why RabbitMQ could not compare that value of that attribute."""
    if not isinstance(value, str):
        return "RabbitMQ matches exact texts only, no numbers, prefixes or other conditions"
    if len(name) > MAX_NAME_LENGTH or len(value.encode()) > MAX_VALUE_BYTES:
        return f"RabbitMQ matches names up to {MAX_NAME_LENGTH} and values up to {MAX_VALUE_BYTES} bytes"
    return None
