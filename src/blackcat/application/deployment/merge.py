"""Three-way merge by lines: what a user changed in a file, and what is generated anew, in one text."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple


class _Edit(NamedTuple):
    """These lines of the base, ``begin`` to ``end``, become others."""

    begin: int
    end: int
    lines: tuple[str, ...]


def merged(base: str, ours: str, theirs: str) -> str | None:
    """Both sides' changes of ``base`` in one text; None where they changed the same or adjacent lines."""
    lines = _lines(base)
    edits = [*_edits(lines, _lines(ours))]
    for edit in _edits(lines, _lines(theirs)):
        if edit not in edits:
            if any(edit.begin <= other.end and other.begin <= edit.end for other in edits):
                return None
            edits.append(edit)
    for begin, end, replacement in sorted(edits, reverse=True):
        lines[begin:end] = replacement
    return "".join(lines)


def _edits(base: Sequence[str], other: Sequence[str]) -> Iterator[_Edit]:
    matcher = SequenceMatcher(None, base, other, autojunk=False)
    for tag, begin, end, first, last in matcher.get_opcodes():
        if tag != "equal":
            yield _Edit(begin, end, tuple(other[first:last]))


def _lines(text: str) -> list[str]:
    # Not splitlines(): it also splits at form feeds and the like, which are part of a line.
    return list(io.StringIO(text))
