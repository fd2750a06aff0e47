"""One more item between brackets, laid out as the items beside it are."""

from __future__ import annotations

import ast

from blackcat.application.scaffolding.source import INDENT, Insertion, Source


def item_after(
    source: Source, opening: int, previous: ast.expr | ast.alias | None, item: str
) -> list[Insertion]:
    """What puts an item behind ``previous``, or in front of all.

    ``opening`` is the index of the opening bracket's token. An item of several lines is indented by
    four spaces, as in our templates; it takes over how the file indents.
    """
    closing = source.closing(opening)
    anchor = opening if previous is None else _end_of(source, previous, closing)
    comma = source.tokens[anchor].string == ","
    follower = source.next_after(anchor)
    alone = anchor == opening and follower == closing
    needed = "" if comma or anchor == opening else ","
    trailing = "," if comma or alone or follower != closing else ""
    row, column = source.tokens[anchor].end
    indent = _indentation(source, follower, closing, previous)
    laid_out = _laid_out(item, indent, _unit(source, indent, previous))

    if source.tokens[follower].start[0] > row:
        line = Insertion(row + 1, 0, f"{indent}{laid_out}{trailing}\n")
        return [Insertion(row, column, needed), line] if needed else [line]
    if alone:
        return [Insertion(row, column, f"\n{indent}{laid_out},\n{source.indentation(row)}")]
    if follower != closing:
        gap = ("", " ") if anchor == opening else (" ", "")
        return [Insertion(row, column, f"{gap[0]}{item},{gap[1]}")]
    own_line = "\n" in item or (previous is not None and source.starts_line(previous))
    before = f"\n{indent}" if own_line else " "
    return [Insertion(row, column, f"{needed}{before}{laid_out}{trailing}")]


def _end_of(source: Source, item: ast.expr | ast.alias, closing: int) -> int:
    """The index of its comma, or of its last token where it has none; it may be in parentheses."""
    index = source.last_token(item)
    while source.next_after(index) != closing and source.tokens[index].string != ",":
        index = source.next_after(index)
    return index


def _indentation(source: Source, follower: int, closing: int, previous: ast.expr | ast.alias | None) -> str:
    if previous is not None and source.starts_line(previous):
        return source.indentation(previous.lineno)
    if follower != closing:
        return source.indentation(source.tokens[follower].start[0])
    base = source.indentation(source.tokens[closing].start[0])
    return base + ("\t" if base.endswith("\t") else INDENT)


def _unit(source: Source, indent: str, sibling: ast.expr | ast.alias | None) -> str:
    """How the file indents, by the arguments of the item before."""
    if (
        isinstance(sibling, ast.Call)
        and sibling.keywords
        and sibling.keywords[0].value.lineno > sibling.lineno
    ):
        inner = source.indentation(sibling.keywords[0].value.lineno)
        if inner.startswith(indent) and len(indent) < len(inner) <= len(indent) + 2 * len(INDENT):
            return inner[len(indent) :]
    return "\t" if indent.endswith("\t") else INDENT


def _laid_out(item: str, indent: str, unit: str) -> str:
    first, *others = item.split("\n")
    return "\n".join([first, *(indent + _with_unit(line, unit) for line in others)])


def _with_unit(line: str, unit: str) -> str:
    text = line.lstrip(" ")
    return unit * ((len(line) - len(text)) // len(INDENT)) + text
