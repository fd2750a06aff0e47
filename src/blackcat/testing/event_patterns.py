"""Which events a rule's pattern matches, as EventBridge decides it.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from blackcat.errors import InvalidDeclaration

_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def matches(pattern: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """Whether all fields of the pattern match; of several wanted values, or of an array, one is enough.

    Raises InvalidDeclaration for an operator that is not known here.
    """
    return all(_field_matches(field, wanted, event) for field, wanted in pattern.items())


def _field_matches(field: str, wanted: Any, event: Mapping[str, Any]) -> bool:
    if field == "$or":
        return any(matches(alternative, event) for alternative in wanted)
    found = _values(event, field)
    if isinstance(wanted, Mapping):
        inner = [value for value in found if isinstance(value, Mapping)] or [{}]
        return any(matches(wanted, value) for value in inner)
    leaves = [value for value in found if not isinstance(value, Mapping)]
    return any(_wanted_matches(one, leaves) for one in wanted)


def _values(event: Mapping[str, Any], field: str) -> Sequence[Any]:
    if field not in event:
        return ()
    value = event[field]
    return value if isinstance(value, list) else (value,)


def _wanted_matches(wanted: Any, found: Sequence[Any]) -> bool:
    if not isinstance(wanted, Mapping):
        return any(_same(value, wanted) for value in found)
    ((name, operand),) = wanted.items()
    if name == "exists":
        return bool(found) is operand
    if name not in _OPERATORS:
        raise InvalidDeclaration(
            f"the operator '{name}' is not known to the bus in memory: test this rule on the emulator"
        )
    return any(_OPERATORS[name](value, operand) for value in found)


def _same(value: Any, other: Any) -> bool:
    return bool(value == other) and isinstance(value, bool) is isinstance(other, bool)


def _anything_but(value: Any, operand: Any) -> bool:
    if isinstance(operand, Mapping):
        return not _wanted_matches(operand, [value])
    return not any(_same(value, one) for one in (operand if isinstance(operand, list) else [operand]))


def _numeric(value: Any, operand: Sequence[Any]) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    pairs = zip(operand[::2], operand[1::2], strict=True)
    return all(_COMPARISONS[comparison](value, limit) for comparison, limit in pairs)


_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "anything-but": _anything_but,
    "equals-ignore-case": lambda value, text: isinstance(value, str) and value.lower() == text.lower(),
    "numeric": _numeric,
    "prefix": lambda value, text: isinstance(value, str) and value.startswith(text),
    "suffix": lambda value, text: isinstance(value, str) and value.endswith(text),
}
