"""A Python file that is edited by syntax: whatever is not added stays as it is, byte for byte."""

from __future__ import annotations

import ast
import io
import re
import tokenize
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

from blackcat.errors import ProjectError

INDENT = "    "

_BYTE_ORDER_MARK = "\ufeff"
# Python ends lines at these three only; str.splitlines() knows more.
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_BETWEEN = (tokenize.NL, tokenize.NEWLINE, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT)


class EditRefused(Exception):  # noqa: N818 - named for what happened, as in errors.py
    """An edit would change more than it should, or does not know where to go; nothing was edited."""


class NameTaken(EditRefused):
    """A name that is to be imported stands for something else in the file."""


@dataclass(frozen=True)
class Insertion:
    """Text that goes into a file at a place: a line (from 1) and a column (in characters).

    It goes in front of what is there, or ``instead_of`` so many characters.
    """

    line: int
    column: int
    text: str
    instead_of: int = 0


class Source:
    """A file's text with its syntax. Raises ProjectError for what Python does not read."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._mark = text[: text.startswith(_BYTE_ORDER_MARK)]
        self._lines = _LINE.findall(text.removeprefix(_BYTE_ORDER_MARK))
        read = "".join(re.sub(r"\r\n?$", "\n", line) for line in self._lines)
        try:
            self.tree = parsed(read)
            self.tokens = list(tokenize.generate_tokens(io.StringIO(read, newline="\n").readline))
        except SyntaxError as error:
            raise ProjectError(f"line {error.lineno}: {error.msg}; mend it and run again") from error
        except (ValueError, RecursionError, MemoryError, tokenize.TokenError) as error:
            raise ProjectError(f"Python cannot read it: {error}; mend it and run again") from error
        self._index = {token.start: index for index, token in enumerate(self.tokens) if token.string}

    def line(self, number: int) -> str:
        """A line without its end."""
        return self._lines[number - 1].rstrip("\r\n") if 1 <= number <= len(self._lines) else ""

    def indentation(self, number: int) -> str:
        """The white space that a line starts with."""
        line = self.line(number)
        return line[: len(line) - len(line.lstrip(" \t\f"))]

    def starts_line(self, node: ast.expr | ast.stmt | ast.alias) -> bool:
        """Whether nothing but white space stands before it on its line."""
        return not self.line(node.lineno)[: self.start(node)[1]].strip()

    def start(self, node: ast.expr | ast.stmt | ast.alias) -> tuple[int, int]:
        """Where it starts; the columns of syntax trees are in bytes, those of tokens in characters."""
        before = self.line(node.lineno).encode()[: node.col_offset]
        return node.lineno, len(before.decode())

    def token_at(self, node: ast.expr | ast.stmt | ast.alias) -> int:
        """The index of its first token."""
        return self._index[self.start(node)]

    def closing(self, opening: int) -> int:
        """The index of the bracket that closes the one at this index."""
        depth = 0
        for index, token in enumerate(self.tokens[opening:], opening):
            if token.type == tokenize.OP:
                depth += (token.string in "([{") - (token.string in ")]}")
            if depth == 0:
                return index
        raise EditRefused("a bracket is never closed")

    def end(self, node: ast.expr | ast.stmt | ast.alias) -> tuple[int, int]:
        """Where it ends."""
        line, column = node.end_lineno or node.lineno, node.end_col_offset or node.col_offset
        return line, len(self.line(line).encode()[:column].decode())

    def last_token(self, node: ast.expr | ast.stmt | ast.alias) -> int:
        """The index of its last token."""
        end = self.end(node)
        return next(index for index, token in enumerate(self.tokens) if token.string and token.end == end)

    def next_after(self, index: int) -> int:
        """The index of the first token after this one that is more than a comment or a line's end."""
        index += 1
        while self.tokens[index].type in _BETWEEN:
            index += 1
        return index

    def last_before(self, index: int) -> int:
        """The index of the last token before this one that is more than a comment or a line's end."""
        index -= 1
        while self.tokens[index].type in _BETWEEN:
            index -= 1
        return index

    def edited(self, insertions: Sequence[Insertion], expected: ast.Module) -> Source:
        """The file with these insertions. Raises EditRefused unless it then means what is expected."""
        try:
            edited = Source(self._inserted(insertions))
        except ProjectError as error:
            raise EditRefused(f"the edit would break the file: {error}") from error
        if ast.dump(edited.tree) != ast.dump(expected):
            raise EditRefused("the edit would change more than it should")
        return edited

    def _inserted(self, insertions: Sequence[Insertion]) -> str:
        lines = [*self._lines, ""]
        for one in sorted(insertions, key=lambda one: (one.line, one.column), reverse=True):
            index = one.line - 1
            text = one.text.replace("\n", self._line_end(index))
            if index and not lines[index - 1].endswith(("\r", "\n")):
                text = self._line_end(index) + text.rstrip("\r\n")  # the last line stays without an end
            rest = lines[index][one.column + one.instead_of :]
            lines[index] = lines[index][: one.column] + text + rest
        return self._mark + "".join(lines)

    def _line_end(self, index: int) -> str:
        """How this line ends, or the nearest before it that does."""
        ends = (line[len(line.rstrip("\r\n")) :] for line in reversed(self._lines[: index + 1]))
        return str(next(filter(None, ends), "\n"))


def parsed(text: str) -> ast.Module:
    """The syntax tree; what Python would warn about in it is not ours to tell."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text)
