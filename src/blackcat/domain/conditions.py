"""Conditions on the sort key of a query."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Operator = Literal["=", "<", "<=", ">", ">=", "between", "begins_with"]


@dataclass(frozen=True, slots=True)
class KeyCondition:
    """Which sort keys a query asks for.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.KeyConditionExpressions.html
    """

    operator: Operator
    values: tuple[Any, ...]


def equal_to(value: Any) -> KeyCondition:
    return KeyCondition("=", (value,))


def less_than(value: Any) -> KeyCondition:
    return KeyCondition("<", (value,))


def at_most(value: Any) -> KeyCondition:
    return KeyCondition("<=", (value,))


def greater_than(value: Any) -> KeyCondition:
    return KeyCondition(">", (value,))


def at_least(value: Any) -> KeyCondition:
    return KeyCondition(">=", (value,))


def between(lowest: Any, highest: Any) -> KeyCondition:
    """Both ends included."""
    return KeyCondition("between", (lowest, highest))


def begins_with(prefix: str) -> KeyCondition:
    return KeyCondition("begins_with", (prefix,))
