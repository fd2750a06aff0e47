"""JSON Schemas of many annotations, which share one set of named ones."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import TypeAdapter
from pydantic.errors import PydanticUserError

Json = dict[str, Any]

_PREFIX = "#/components/schemas/"


@dataclass(frozen=True)
class Wanted:
    """An annotation, to be described as it is read or as it is written."""

    annotation: Any
    mode: Literal["validation", "serialization"]


class Schemas:
    """The schema of each wanted annotation under its key; anything goes where pydantic has none."""

    def __init__(self, wanted: Mapping[Hashable, Wanted], *, by_alias: bool = True) -> None:
        inputs = [
            (key, one.mode, adapter) for key, one in wanted.items() if (adapter := _adapter(one)) is not None
        ]
        found, shared = TypeAdapter.json_schemas(
            inputs, by_alias=by_alias, ref_template=f"{_PREFIX}{{model}}"
        )
        self._by_key = {key: schema for (key, _), schema in found.items()}
        self._named: Json = dict(shared.get("$defs", {}))

    def of(self, key: Hashable) -> Json:
        return dict(self._by_key.get(key, {}))

    def resolved(self, key: Hashable) -> Json:
        """The schema itself where ``of`` refers to a named one."""
        schema = self.of(key)
        name = schema.get("$ref", "").removeprefix(_PREFIX)
        return dict(self._named.get(name, schema))

    def add(self, name: str, schema: Json) -> Json:
        """Name a schema; returns the reference to it. A name that a project took gets an underscore."""
        while name in self._named:
            name += "_"
        self._named[name] = schema
        return {"$ref": f"{_PREFIX}{name}"}

    def used_in(self, content: Json) -> Json:
        """The named schemas that the content refers to, directly or not."""
        used: Json = {}
        text = json.dumps(content)
        while new := {
            name: schema
            for name, schema in self._named.items()
            if name not in used and f'"{_PREFIX}{name}"' in text
        }:
            used |= new
            text = json.dumps(new)
        return dict(sorted(used.items()))


def list_fields(annotation: Any) -> frozenset[str]:
    """The fields of an object that may hold a list, under each name that they are taken by."""
    return frozenset(name for name, schema in _fields(annotation) if _may_be("array", schema))


def number_fields(annotation: Any) -> frozenset[str]:
    """The fields of an object that hold a number or several, which need not be whole, and no text."""
    return frozenset(
        name
        for name, schema in _fields(annotation)
        if _may_be("number", schema) and not _may_be("string", schema)
    )


def _fields(annotation: Any) -> Iterator[tuple[str, Json]]:
    for by_alias in (True, False):  # a model may take a field by either name
        schemas = Schemas({"": Wanted(annotation, "validation")}, by_alias=by_alias)
        yield from schemas.resolved("").get("properties", {}).items()


def _may_be(kind: str, schema: Json) -> bool:
    inner = (*schema.get("anyOf", ()), schema.get("items", {}))
    return schema.get("type") == kind or any(_may_be(kind, one) for one in inner if one)


def _adapter(wanted: Wanted) -> TypeAdapter[Any] | None:
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(wanted.annotation)
        adapter.json_schema(mode=wanted.mode)
    except PydanticUserError:
        return None
    return adapter
