"""Answers as JSON, by the rules that their schemas are written by."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from enum import Enum
from json import JSONEncoder
from typing import Any
from uuid import UUID

from flask import Response
from flask.json.provider import DefaultJSONProvider
from pydantic_core import to_jsonable_python
from werkzeug.sansio.response import Response as SansioResponse


class JsonAnswers(DefaultJSONProvider):
    """JSON as pydantic describes it: fields by alias, ISO 8601 times and durations, decimals as text."""

    sort_keys = False

    @staticmethod
    def default(value: Any) -> Any:
        return _plain(value)

    def response(self, *args: Any, **kwargs: Any) -> SansioResponse:
        if len(args) != 1 or kwargs:
            return super().response(*args, **kwargs)
        return Response(f"{_text(args[0])}\n", content_type="application/json")


def _text(value: Any) -> str:
    try:
        return _encode(value)
    except TypeError:  # a key that is not of JSON's own types, or a value that has no form at all
        return _encode(_with_text_keys(value))


def _plain(value: Any) -> Any:
    """The value of one that is not of JSON's own types; what is in it may be anything."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal | UUID):
        return str(value)
    if _is_dataclass(value):
        return _fields(value)
    return to_jsonable_python(value, by_alias=True)


# One for all answers: making one takes longer than a small answer does.
_encode = JSONEncoder(default=_plain, separators=(",", ":"), allow_nan=False).encode


def _with_text_keys(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {_key(key): _with_text_keys(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_with_text_keys(item) for item in value]
    if _is_dataclass(value):
        return {name: _with_text_keys(item) for name, item in _fields(value).items()}
    return value


def _key(key: Any) -> Any:
    if key is None or isinstance(key, str | int | float):  # which JSON's own encoder takes
        return key
    return str(_plain(key.value if isinstance(key, Enum) else key))


def _is_dataclass(value: Any) -> bool:
    # pydantic's own know their aliases, and are written by pydantic.
    kind = type(value)
    return dataclasses.is_dataclass(kind) and not hasattr(kind, "__pydantic_serializer__")


def _fields(value: Any) -> dict[str, Any]:
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
