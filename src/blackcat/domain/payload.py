"""The text of a payload that is sent."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from blackcat.errors import EncodingError


def encode(payload: Any) -> str:
    """A payload as JSON: dataclasses, pydantic models, mappings, sequences; a ``str`` is sent as it is.

    Numbers keep every digit (``Decimal`` is written as text), times are ISO 8601. Raises EncodingError
    for what has no faithful JSON: NaN, bytes, objects.
    """
    if isinstance(payload, str):
        return payload
    try:
        return json.dumps(plain(payload), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise EncodingError(f"a {type(payload).__name__} cannot be sent as JSON: {error}") from error


def plain(value: Any) -> Any:
    """The value in JSON's own types. Raises TypeError for what has no faithful form."""
    if value is None or (isinstance(value, str | bool | int | float) and not isinstance(value, Enum)):
        return value
    if isinstance(value, Mapping):
        return {_key(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Decimal | UUID):
        return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if hasattr(value, "model_dump"):  # a pydantic model, known by its interface: no vendor is imported here
        return value.model_dump(mode="json")
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _key(key: Any) -> str:
    name = plain(key)
    if not isinstance(name, str):
        raise TypeError(f"the key {key!r} is not text")
    return name
