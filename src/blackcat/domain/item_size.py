"""How large an item is, as DynamoDB counts it.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
MAX_ITEM_SIZE = 400 * 1024

_CONTAINER = 3
_MEMBER = 1


def item_size(item: Mapping[str, Any]) -> int:
    """The bytes of a stored item: its names and values. DynamoDB itself calls that of numbers approximate."""
    return sum(len(name.encode()) + _size(value) for name, value in item.items())


def _size(value: Any) -> int:
    if value is None or isinstance(value, bool):
        return 1
    if isinstance(value, str):
        return len(value.encode())
    if isinstance(value, bytes):
        return len(value)
    if isinstance(value, int | Decimal):
        return _number_size(value)
    if isinstance(value, Mapping):
        return _CONTAINER + _MEMBER * len(value) + item_size(value)
    overhead = 0 if isinstance(value, set) else _CONTAINER + _MEMBER * len(value)
    return overhead + sum(map(_size, value))


def _number_size(number: int | Decimal) -> int:
    digits = len("".join(map(str, Decimal(number).as_tuple().digits)).strip("0"))
    return 1 + (digits + 1) // 2
