"""Lines that are to be added to a file: a small Python module, from a template."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass

from blackcat.application.scaffolding.names import Names
from blackcat.application.scaffolding.source import Source
from blackcat.errors import ProjectError


@dataclass(frozen=True)
class Snippet:
    """Imports as (module, name), and the statements below them; ``text`` is all of it."""

    text: str
    imports: tuple[tuple[str, str], ...]
    statements: tuple[ast.stmt, ...]

    @classmethod
    def parse(cls, text: str) -> Snippet:
        """Raises ProjectError for what Python does not read, or imports of a form that cannot be merged."""
        tree = Source(text).tree
        imports = []
        for statement in tree.body:
            if isinstance(statement, ast.Import) or _is_unmergeable(statement):
                raise ProjectError(f"line {statement.lineno}: write it as `from module import name`")
            if isinstance(statement, ast.ImportFrom):
                imports += [(statement.module or "", alias.name) for alias in statement.names]
        statements = tuple(one for one in tree.body if not isinstance(one, ast.ImportFrom))
        return cls(text, tuple(imports), statements)

    @property
    def names(self) -> Names:
        return Names(Source(self.text).tree)

    def with_names(self, node: ast.stmt | ast.expr, names: Mapping[str, str]) -> str:
        """The text of a statement or expression, with other names for what it calls."""
        source = Source(self.text)
        (line, column), (last_line, last_column) = source.start(node), source.end(node)
        lines = [source.line(number) for number in range(line, last_line + 1)]
        lines[-1] = lines[-1][:last_column]
        called = [one for one in ast.walk(node) if isinstance(one, ast.Name) and one.id in names]
        for one in sorted(called, key=source.start, reverse=True):
            row, start = source.start(one)
            text = lines[row - line]
            lines[row - line] = text[:start] + names[one.id] + text[start + len(one.id) :]
        return "\n".join([lines[0][column:], *lines[1:]])


def _is_unmergeable(statement: ast.stmt) -> bool:
    if not isinstance(statement, ast.ImportFrom):
        return False
    odd = any(alias.asname or alias.name == "*" for alias in statement.names)
    return bool(statement.level) or odd
