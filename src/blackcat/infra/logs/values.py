"""What a program gives to a log line, as JSON that can be written, and no longer than it may be."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

# Shorter and shorter, until the line fits.
_TEXTS = (10_000, 1_000, 100)
_FEW_NAMES = 20
_DEEPEST = 50
# Python writes no longer integer as text: sys.set_int_max_str_digits.
_LONGEST_INTEGER_BITS = 2_000

# Made once: json.dumps would make it for each line.
strict_json = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode


def size(text: str) -> int:
    """Its bytes as they are written."""
    return len(text.encode("utf-8", "backslashreplace"))


def text_of(value: Any) -> str:
    """The value as text, also when it has none."""
    try:
        return str(value)
    except Exception:
        return f"<{type(value).__name__} without text>"


def plain(value: Any, around: tuple[int, ...] = ()) -> Any:
    """The value in JSON's types: of what holds itself, is too deep, too large or not a number, a word."""
    if isinstance(value, Mapping | list | tuple | set | frozenset):
        return _plain_inside(value, around)
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int) and value.bit_length() > _LONGEST_INTEGER_BITS:
        return f"<an integer of {value.bit_length()} bits>"
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return text_of(value)


def _plain_inside(value: Any, around: tuple[int, ...]) -> Any:
    if id(value) in around:
        return "<circular>"
    if len(around) == _DEEPEST:
        return "<nested too deep>"
    around = (*around, id(value))
    try:
        if isinstance(value, Mapping):
            return {text_of(name): plain(one, around) for name, one in value.items()}
        return [plain(one, around) for one in value]
    except Exception:  # a mapping of the program's own may do anything
        return f"<{type(value).__name__} that cannot be read>"


def shortened(fields: Mapping[str, Any], *, longest: int) -> dict[str, Any]:
    """The fields with long texts cut in their middle, so that they are at most so many bytes of JSON.

    What holds many values becomes text; of very many fields those that do not fit are left out, and counted.
    """
    for most in _TEXTS:
        cut = {name: _cut(value, most) for name, value in fields.items()}
        if size(strict_json(cut)) <= longest:
            return cut
    return _first(cut, longest)


def _cut(value: Any, most: int) -> Any:
    if isinstance(value, dict) and len(value) <= _FEW_NAMES:
        return {name: _cut(one, most) for name, one in value.items()}
    text = value if isinstance(value, str) else strict_json(value)
    if len(text) <= most:
        return value
    half = most // 2
    return f"{text[:half]} ... {len(text) - most} characters ... {text[-half:]}"


def _first(fields: dict[str, Any], longest: int) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    left = longest - size(strict_json({"fields_left_out": len(fields)}))
    for name, value in fields.items():
        if (needed := size(strict_json({name: value}))) <= left:
            left -= needed
            kept[name] = value
    return {**kept, "fields_left_out": len(fields) - len(kept)}
