"""Routes of werkzeug, as OpenAPI writes them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from werkzeug.routing import BaseConverter, Rule
from werkzeug.routing.converters import AnyConverter, NumberConverter, UUIDConverter

# <name>, <converter:name> and <converter(arguments):name>
_PARAMETER = re.compile(r"<(?:[^<>]*:)?([A-Za-z_]\w*)>")


def path_of(rule: Rule) -> str:
    """``/payments/{payment_id}`` for ``/payments/<uuid:payment_id>``."""
    return _PARAMETER.sub(r"{\1}", rule.rule)


def shape_of(rule: Rule) -> str:
    """The path without the names: OpenAPI takes no two of the same shape."""
    return _PARAMETER.sub("{}", rule.rule)


def names_in(path: str) -> list[str]:
    """The parameters of a path as ``path_of`` writes it, in its order."""
    return re.findall(r"\{(\w+)\}", path)


def converters_of(rule: Rule) -> Iterator[dict[str, Any]]:
    """The schema of each parameter of a route, in its order."""
    for name in _PARAMETER.findall(rule.rule):
        yield _schema(rule._converters[name])  # werkzeug has no public name for it


def _schema(converter: BaseConverter) -> dict[str, Any]:
    if isinstance(converter, UUIDConverter):
        return {"type": "string", "format": "uuid"}
    if isinstance(converter, AnyConverter):
        return {"type": "string", "enum": sorted(converter.items)}
    if isinstance(converter, NumberConverter):
        return _number(converter)
    return {"type": "string", "pattern": f"^{converter.regex}$"}


def _number(converter: NumberConverter) -> dict[str, Any]:
    least = converter.min if converter.min is not None or converter.signed else 0
    limits = {"minimum": least, "maximum": converter.max}
    return {
        "type": "integer" if converter.num_convert is int else "number",
        **{name: limit for name, limit in limits.items() if limit is not None},
    }
