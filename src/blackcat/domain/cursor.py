"""Where a query goes on, as text that a client may keep and send back."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from blackcat.domain.item import key_types
from blackcat.errors import DecodingError
from blackcat.resources import KeyType, TableResource


def cursor_after(item: Mapping[str, Any], table: TableResource, index: str | None) -> str:
    """The cursor that goes on after an item: its key attributes, readable by whoever decodes it."""
    values = [_text(item[name]) for name in _types(table, index)]
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


def position(cursor: str, table: TableResource, index: str | None) -> dict[str, Any]:
    """The key attributes to go on after. Raises DecodingError for what is no cursor of such a query."""
    types = _types(table, index)
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        found = {name: _value(text, type_) for (name, type_), text in zip(types.items(), values, strict=True)}
    except (ValueError, TypeError, AttributeError, InvalidOperation, RecursionError) as error:
        raise DecodingError("the cursor is none that this query gave: leave it out to begin anew") from error
    return found


def _types(table: TableResource, index: str | None) -> dict[str, KeyType]:
    return {**key_types(table), **(key_types(table.index(index)) if index else {})}


def _text(value: Any) -> str:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)


def _value(text: str, type_: KeyType) -> Any:
    if type_ == "B":
        return base64.b64decode(text, validate=True)
    if type_ == "N":
        return Decimal(text)
    return str(text)
