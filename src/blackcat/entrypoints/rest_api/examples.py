"""An example of what a JSON Schema describes, for a person to start from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from blackcat.entrypoints.rest_api.json_schemas import Json

_BY_FORMAT = {
    "uuid": "3fa85f64-5717-4562-b3fc-2c963f66afa6",
    "date-time": "2030-01-01T12:00:00Z",
    "date": "2030-01-01",
    "time": "12:00:00",
    "email": "user@example.com",
    "uri": "https://example.com",
}
# Schemas may refer to themselves.
_DEEPEST = 6


def example_of(schema: Json, named: Mapping[str, Json], depth: int = 0) -> Any:
    """A value of the schema's form, as far as it is told; it need not keep every limit."""
    if depth > _DEEPEST:
        return None
    if "$ref" in schema:
        return example_of(named.get(schema["$ref"].rpartition("/")[2], {}), named, depth + 1)
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    for key in ("examples", "enum"):
        if schema.get(key):
            return schema[key][0]
    for key in ("anyOf", "oneOf", "allOf"):
        if schema.get(key):
            return example_of(schema[key][0], named, depth + 1)
    return _of_type(schema, named, depth)


def _of_type(schema: Json, named: Mapping[str, Json], depth: int) -> Any:
    kind = schema.get("type")
    if kind == "object":
        members = schema.get("properties", {})
        return {name: example_of(member, named, depth + 1) for name, member in members.items()}
    if kind == "array":
        return [example_of(schema.get("items", {}), named, depth + 1)]
    if kind in ("integer", "number"):
        return schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
    return {"string": _BY_FORMAT.get(schema.get("format", ""), "string"), "boolean": True}.get(kind or "")
