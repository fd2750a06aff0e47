"""A file of SQL as its statements, each with the line that it begins at."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

# Everything that a semicolon may stand in without ending a statement. What is never closed reaches to the
# end of the file: Postgres then says what is missing, better than we could.
# https://www.postgresql.org/docs/current/sql-syntax-lexical.html
_LINE_COMMENT = r"--[^\n]*"
_ESCAPED = r"(?<![\w$])[eE]'(?:[^'\\]|\\.|'')*(?:'|\Z)"
_QUOTED = r"'(?:[^']|'')*(?:'|\Z)"
_NAME = r'"(?:[^"]|"")*(?:"|\Z)'
_DOLLARS = r"(?<![\w$])(?P<tag>\$(?:[^\W\d]\w*)?\$).*?(?:(?P=tag)|\Z)"
_TOKEN = re.compile(
    rf"{_LINE_COMMENT}|{_ESCAPED}|{_QUOTED}|{_NAME}|{_DOLLARS}|(?P<block>/\*)|(?P<end>;)", re.DOTALL
)
_BLOCK = re.compile(r"/\*|\*/")
_BLANK = re.compile(r"(?:\s|--[^\n]*(?:\n|\Z))*")


@dataclass(frozen=True)
class Statement:
    """One statement without its semicolon and the comments before it; ``line`` counts from 1."""

    sql: str
    line: int

    @property
    def summary(self) -> str:
        """Its beginning, on one line of at most 80 characters."""
        words = " ".join(self.sql.split())
        return words if len(words) <= 80 else f"{words[:77]}..."

    @property
    def keyword(self) -> str:
        """Its first word, in capitals."""
        word = re.match(r"\w+", self.sql)
        return word[0].upper() if word else ""


def statements(sql: str) -> list[Statement]:
    """The statements of a file.

    The body of a function is to be quoted (``$$ … $$``): SQL's own ``BEGIN ATOMIC … END`` is not understood.
    """
    return [found for start, end in _pieces(sql) if (found := _statement(sql, start, end))]


def _pieces(sql: str) -> Iterator[tuple[int, int]]:
    start = position = 0
    while token := _TOKEN.search(sql, position):
        position = _end_of_block(sql, token.start()) if token["block"] else token.end()
        if token["end"]:
            yield start, token.start()
            start = position
    yield start, len(sql)


def _end_of_block(sql: str, start: int) -> int:
    """Where a comment ends; they nest in SQL."""
    depth, position = 0, start
    while mark := _BLOCK.search(sql, position):
        depth += 1 if mark[0] == "/*" else -1
        position = mark.end()
        if depth == 0:
            return position
    return len(sql)


def _statement(sql: str, start: int, end: int) -> Statement | None:
    begin = _after_comments(sql, start, end)
    text = sql[begin:end].rstrip()
    return Statement(text, sql.count("\n", 0, begin) + 1) if text else None


def _after_comments(sql: str, start: int, end: int) -> int:
    position = start
    while position < end:
        blank = _BLANK.match(sql, position, end)
        position = blank.end() if blank else position
        if not sql.startswith("/*", position):
            break
        position = _end_of_block(sql, position)
    return min(position, end)
