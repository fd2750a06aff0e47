"""Lines of generated code that a long name made too long, folded as `ruff format` folds them."""

from __future__ import annotations

from collections.abc import Iterator

from blackcat.application.scaffolding.imports import LINE_LENGTH

_INDENT = "    "


def folded(text: str) -> str:
    """Python with every line within the limit, as far as brackets allow it."""
    return "\n".join(_folded(line) for line in text.split("\n"))


def _folded(line: str) -> str:
    """What is between the brackets comes on a line of its own, or each item does, if that is too long."""
    opening, closing = _brackets(line) if len(line) > LINE_LENGTH else (0, 0)
    if not closing:
        return line
    indent = line[: len(line) - len(line.lstrip())]
    inner = line[opening + 1 : closing]
    body = [f"{indent}{_INDENT}{inner}"]
    if len(body[0]) > LINE_LENGTH:
        body = [_folded(f"{indent}{_INDENT}{item},") for item in _items(inner)]
    return "\n".join([line[: opening + 1], *body, f"{indent}{line[closing:]}"])


def _brackets(line: str) -> tuple[int, int]:
    """The pair to fold at: a function's parameters, else the last one of the line; (0, 0) for none."""
    pairs = [pair for pair in _pairs(line) if pair[1] - pair[0] > 1] or [(0, 0)]
    return pairs[0] if line.lstrip().startswith("def ") else pairs[-1]


def _pairs(line: str) -> Iterator[tuple[int, int]]:
    """The brackets that are within no others."""
    opening, depth = 0, 0
    for index, character in enumerate(line):
        if character in "([{":
            opening = index if depth == 0 else opening
            depth += 1
        elif character in ")]}":
            depth -= 1
            if depth == 0:
                yield opening, index


def _items(inner: str) -> list[str]:
    """What the commas separate, but for those within brackets."""
    items, depth = [""], 0
    for character in inner:
        depth += (character in "([{") - (character in ")]}")
        if character == "," and not depth:
            items.append("")
        else:
            items[-1] += character
    return [item.strip() for item in items]
