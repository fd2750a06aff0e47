"""The one converter between stored values and DynamoDB's wire form.

What may be stored at all is decided in blackcat.domain.item; here nothing is refused or changed.
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

WireValue = dict[str, Any]


def encode_item(item: Mapping[str, Any]) -> dict[str, WireValue]:
    return {name: encode(value) for name, value in item.items()}


def decode_item(wire: Mapping[str, WireValue]) -> dict[str, Any]:
    return {name: decode(value) for name, value in wire.items()}


def encode(value: Any) -> WireValue:
    """A stored value (see ``stored_value``) in DynamoDB's wire form."""
    if value is None:
        return {"NULL": True}
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, str):
        return {"S": value}
    if isinstance(value, int | Decimal):
        return {"N": str(value)}
    if isinstance(value, bytes):
        return {"B": value}
    if isinstance(value, dict):
        return {"M": encode_item(value)}
    if isinstance(value, list):
        return {"L": [encode(member) for member in value]}
    return _encode_set(value)


def decode(wire: WireValue) -> Any:
    """The value back: numbers as int when they are written so, otherwise as Decimal."""
    ((type_, value),) = wire.items()
    return _DECODERS[type_](value)


def _encode_set(members: set[Any]) -> WireValue:
    wires = [encode(member) for member in sorted(members)]
    type_ = next(iter(wires[0]))
    return {f"{type_}S": [wire[type_] for wire in wires]}


def _number(text: str) -> int | Decimal:
    return int(text) if text.lstrip("-").isdigit() else Decimal(text)


_DECODERS: dict[str, Callable[[Any], Any]] = {
    "NULL": lambda _: None,
    "BOOL": bool,
    "S": str,
    "N": _number,
    "B": bytes,
    "M": decode_item,
    "L": lambda members: [decode(member) for member in members],
    "SS": set,
    "NS": lambda members: {_number(member) for member in members},
    "BS": lambda members: {bytes(member) for member in members},
}
