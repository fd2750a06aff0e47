"""Whether a value that came back from a table is the one that was stored, field by field."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime, timezone
from typing import Any

from pydantic import BaseModel

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MISSING = object()


def fields_of(entity: Any) -> dict[str, Any]:
    """The values of a dataclass or model: also those that neither its equality nor its dump regards."""
    if isinstance(entity, BaseModel):
        names = [*type(entity).model_fields, *(entity.model_extra or {})]
    else:
        names = [field.name for field in dataclasses.fields(entity)]
    return {name: getattr(entity, name, _MISSING) for name in names}


def same(given: Any, back: Any) -> bool:
    """Whether they are equal throughout. Instants count, not their zones; a float comes back as one."""
    if _has_fields(given):
        return _has_fields(back) and _same_members(fields_of(given), fields_of(back))
    if isinstance(given, Mapping):
        return isinstance(back, Mapping) and _same_members(given, back)
    if isinstance(given, list | tuple):
        kind = tuple if isinstance(given, tuple) else list
        return isinstance(back, kind) and len(given) == len(back) and all(map(same, given, back))
    if isinstance(given, AbstractSet):
        return isinstance(back, AbstractSet) and _same_set(given, back)
    if isinstance(given, float) and not isinstance(back, float):
        return False
    return bool(_instant(given) == _instant(back)) or _same_attributes(given, back)


def _same_members(given: Mapping[Any, Any], back: Mapping[Any, Any]) -> bool:
    found = {_instant(name): value for name, value in back.items()}
    return len(given) == len(found) and all(
        same(value, found.get(_instant(name), _MISSING)) for name, value in given.items()
    )


def _same_set(given: AbstractSet[Any], back: AbstractSet[Any]) -> bool:
    floats, floats_back = (sum(isinstance(member, float) for member in members) for members in (given, back))
    return floats <= floats_back and set(map(_instant, given)) == set(map(_instant, back))


def _same_attributes(given: Any, back: Any) -> bool:
    kind: Any = type(given)
    has_no_equality = kind.__eq__ is object.__eq__
    return (
        has_no_equality
        and kind is type(back)
        and getattr(given, "__dict__", None) == getattr(back, "__dict__", _MISSING)
    )


def _has_fields(value: Any) -> bool:
    return isinstance(value, BaseModel) or (dataclasses.is_dataclass(value) and not isinstance(value, type))


def _instant(value: Any) -> Any:
    # Times of different zones are never equal within the hour of a clock change, as PEP 495 has it.
    return value - _EPOCH if isinstance(value, datetime) and value.utcoffset() is not None else value
