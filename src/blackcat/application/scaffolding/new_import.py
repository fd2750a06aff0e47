"""One more import in a file, beside those that are there."""

from __future__ import annotations

import ast
import copy
from itertools import chain
from typing import Any

from blackcat.application.scaffolding.brackets import item_after
from blackcat.application.scaffolding.imports import (
    LINE_LENGTH,
    Order,
    module_order,
    name_order,
    tidy_imports,
)
from blackcat.application.scaffolding.names import Names
from blackcat.application.scaffolding.source import INDENT, EditRefused, Insertion, NameTaken, Source

_AnyImport = ast.Import | ast.ImportFrom


def with_import(source: Source, module: str, name: str) -> tuple[Source, str]:
    """The file with that name imported, and what it is called there: an alias of the file's own holds.

    Raises NameTaken where the name stands for something else.
    """
    names = Names(source.tree)
    known = names.reference(module, name)
    if known:
        return source, known
    if names.bound[name]:
        raise NameTaken(f"'{name}' stands for something else there")
    for statement in source.tree.body:
        if isinstance(statement, ast.ImportFrom) and _is_from(statement, module):
            return _merged(source, statement, name), name
    return _added(source, module, name), name


def _is_from(statement: ast.ImportFrom, module: str) -> bool:
    star = any(alias.name == "*" for alias in statement.names)
    return statement.module == module and not statement.level and not star


def _merged(source: Source, statement: ast.ImportFrom, name: str) -> Source:
    place = sum(name_order(alias.name) < name_order(name) for alias in statement.names)
    copies: dict[int, Any] = {}
    expected = copy.deepcopy(source.tree, copies)
    copies[id(statement)].names.insert(place, ast.alias(name))
    return source.edited(_merge(source, statement, place, name), expected)


def _merge(source: Source, statement: ast.ImportFrom, place: int, name: str) -> list[Insertion]:
    opening = source.last_before(source.token_at(statement.names[0]))
    previous = statement.names[place - 1] if place else None
    if source.tokens[opening].string == "(":
        return item_after(source, opening, previous, name)
    line = source.line(statement.lineno)
    if len(line) + len(f", {name}") > LINE_LENGTH and line == ast.unparse(statement):
        names = [ast.unparse(alias) for alias in statement.names]
        names.insert(place, name)
        return [Insertion(statement.lineno, 0, _in_parentheses(statement, names), instead_of=len(line))]
    if previous is None:
        return [Insertion(*source.start(statement.names[0]), f"{name}, ")]
    return [Insertion(*source.end(previous), f", {name}")]


def _in_parentheses(statement: ast.ImportFrom, names: list[str]) -> str:
    listed = "".join(f"{INDENT}{name},\n" for name in names)
    return f"from {statement.module} import (\n{listed})"


def _added(source: Source, module: str, name: str) -> Source:
    block = _block_for(source, module)
    if not block:
        raise EditRefused("it imports nothing yet, so that there is no place to add to")
    beside = _sorted_part(block, module) or block
    later = [one for one in beside if _order_of(one) > module_order(module)]
    place = source.tree.body.index(later[0]) if later else source.tree.body.index(beside[-1]) + 1
    line = later[0].lineno if later else source.end(beside[-1])[0] + 1
    expected = copy.deepcopy(source.tree)
    expected.body.insert(place, ast.ImportFrom(module=module, names=[ast.alias(name)], level=0))
    return source.edited([Insertion(line, 0, tidy_imports(f"from {module} import {name}"))], expected)


def _block_for(source: Source, module: str) -> list[_AnyImport]:
    """The imports without a blank line between them that it belongs to: those of its own package."""
    blocks: list[list[_AnyImport]] = []
    for statement in source.tree.body:
        if not isinstance(statement, _AnyImport) or _package(statement) == "__future__":
            continue
        if blocks and _together(source, blocks[-1][-1], statement):
            blocks[-1].append(statement)
        else:
            blocks.append([statement])
    own = [block for block in blocks if any(_package(one) == _top(module) for one in block)]
    return next(chain(own, reversed(blocks)), [])


def _together(source: Source, first: ast.stmt, second: ast.stmt) -> bool:
    between = range(source.end(first)[0] + 1, second.lineno)
    return all(source.line(number).strip() for number in between)


def _sorted_part(block: list[_AnyImport], module: str) -> list[_AnyImport]:
    """What the new import is sorted into: all of the block if it is in order, else its own package."""
    froms: list[_AnyImport] = [one for one in block if isinstance(one, ast.ImportFrom)]
    orders = [_order_of(one) for one in froms]
    if orders == sorted(orders):
        return froms
    return [one for one in froms if _package(one) == _top(module)]


def _package(statement: _AnyImport) -> str:
    return _top(_module_of(statement))


def _order_of(statement: _AnyImport) -> Order:
    return module_order(_module_of(statement))


def _module_of(statement: _AnyImport) -> str:
    return statement.names[0].name if isinstance(statement, ast.Import) else statement.module or ""


def _top(module: str) -> str:
    return module.partition(".")[0]
