"""What commands print: aligned tables, JSON, and nothing that a terminal would obey."""

from __future__ import annotations

import contextlib
import json
import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from typing import Any

import click

_GAP = "  "
_C1 = re.compile("[\x7f-\x9f]")


def table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """The rows under their headers, in aligned columns; a cell may hold several lines, and styles.

    Text from outside belongs through ``printable`` first.
    """
    heading = [click.style(header.upper(), bold=True) for header in headers]
    lines = [line for row in [heading, *rows] for line in _lines_of(row)]
    widths = [max(map(_width, column)) for column in zip(*lines, strict=True)]
    return "\n".join(_GAP.join(map(_padded, line, widths)).rstrip() for line in lines)


def as_json(value: Any) -> str:
    """The value as indented JSON; what JSON does not know is written as its text."""
    text = json.dumps(value, indent=2, ensure_ascii=False, default=str)
    # JSON leaves these as they are, and a terminal obeys them.
    return _C1.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def printable(text: str) -> str:
    """The text with its control characters escaped: an escape sequence would reach the terminal."""
    return "".join(one if _is_harmless(one) else one.encode("unicode_escape").decode() for one in text)


@contextlib.contextmanager
def results_only() -> Iterator[None]:
    """What the project's own code prints while it is imported goes to stderr: stdout is for results."""
    with contextlib.redirect_stdout(sys.stderr):
        yield


def _lines_of(row: Sequence[str]) -> Iterator[tuple[str, ...]]:
    yield from zip_longest(*(cell.split("\n") for cell in row), fillvalue="")


def _padded(cell: str, width: int) -> str:
    return cell + " " * (width - _width(cell))


def _width(cell: str) -> int:
    """Columns on a terminal: East Asian characters take two, combining ones none."""
    text = click.unstyle(cell)
    if text.isascii():
        return len(text)
    return sum(_columns(one) for one in text)


def _columns(one: str) -> int:
    if unicodedata.combining(one):
        return 0
    return 2 if unicodedata.east_asian_width(one) in "WF" else 1


def _is_harmless(one: str) -> bool:
    return unicodedata.category(one) not in ("Cc", "Cf", "Cs", "Zl", "Zp")
