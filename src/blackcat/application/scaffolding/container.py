"""A project's container with more bindings: its source is edited by syntax, and checked after."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from blackcat.application.scaffolding.folding import folded
from blackcat.application.scaffolding.new_import import with_import
from blackcat.application.scaffolding.snippet import Snippet
from blackcat.application.scaffolding.source import EditRefused, Insertion, NameTaken, Source
from blackcat.errors import ConfigurationError, InvalidName, NotUnderstood

_RECEIVER = "container"
_DRIVING = "UseCase"
_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class _Place:
    """Where a binding goes: behind a statement, or before the last one of the function that builds."""

    statement: ast.stmt
    receiver: str
    behind: bool


def with_bindings(text: str, bindings: Snippet, *, function: str = "build_container") -> str:
    """The container's source with what it lacks of these bindings.

    They are imports, and ``container.register(Port, ...)`` statements. A port that is bound already
    stays bound as it is. A new one goes below its like (driving ports end in UseCase), into a function
    ``bind_use_cases`` or ``bind_adapters`` that is empty yet, or above the ``return`` of ``function``.
    Raises NotUnderstood where there is no such place, ProjectError for a source that Python does not
    read, and ConfigurationError for bindings that are none.
    """
    source = Source(text)
    bound = {_port_of(call) for call in ast.walk(source.tree)}
    missing = [one for one in bindings.statements if _binding(one) not in bound]
    try:
        for statement in missing:
            source = _with_binding(source, bindings, statement, function)
    except NameTaken as taken:
        raise InvalidName(f"{taken}: choose another name for the service") from taken
    except EditRefused as refusal:
        raise NotUnderstood(str(refusal)) from refusal
    return source.text


def _binding(statement: ast.stmt) -> str:
    port = _port_of(statement.value) if isinstance(statement, ast.Expr) else ""
    if not port:
        raise ConfigurationError("write bindings as container.register(Port, ...)")
    return port


def _port_of(node: ast.AST) -> str:
    """The name of the type that a call of ``register`` binds; nothing for any other node."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return ""
    if node.func.attr != "register" or not node.args:
        return ""
    port = node.args[0]
    return port.id if isinstance(port, ast.Name) else port.attr if isinstance(port, ast.Attribute) else ""


def _with_binding(source: Source, snippet: Snippet, statement: ast.stmt, function: str) -> Source:
    driving = _binding(statement).endswith(_DRIVING)
    _place(source, driving, function)  # before anything else: what it refuses says most
    named = {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}
    local = {}
    for module, name in snippet.imports:
        if name in named:
            source, local[name] = with_import(source, module, name)
    place = _place(source, driving, function)
    return _inserted(source, place, snippet.with_names(statement, {**local, _RECEIVER: place.receiver}))


def _inserted(source: Source, place: _Place, text: str) -> Source:
    copies: dict[int, Any] = {}
    expected = copy.deepcopy(source.tree, copies)
    block = next(block for block in _blocks(source.tree) if place.statement in block)
    index = block.index(place.statement) + place.behind
    copies[id(block)].insert(index, ast.parse(text).body[0])
    line = source.end(place.statement)[0] + 1 if place.behind else place.statement.lineno
    indent = source.indentation(place.statement.lineno)
    laid_out = folded("\n".join(f"{indent}{one}" for one in text.split("\n")))
    return source.edited([Insertion(line, 0, f"{laid_out}\n")], expected)


def _place(source: Source, driving: bool, function: str) -> _Place:
    functions = _called_from(function, source.tree)
    bound = [one for each in functions.values() for one in _registrations(each)]
    alike = [one for one in bound if _port_of(one.value).endswith(_DRIVING) == driving]
    if alike:
        return _Place(alike[-1], _receiver(alike[-1]), behind=True)
    waiting = functions.get("bind_use_cases" if driving else "bind_adapters")
    if waiting and waiting.args.args:
        return _Place(waiting.body[-1], waiting.args.args[0].arg, behind=True)
    if function in functions and (beside := list(_registrations(functions[function]))):
        return _Place(beside[-1], _receiver(beside[-1]), behind=True)
    return _end_of(functions.get(function), function)


def _called_from(function: str, tree: ast.Module) -> dict[str, _Function]:
    """That function, and those of the same file that it calls, directly or not."""
    every = {one.name: one for one in tree.body if isinstance(one, _Function)}
    found: dict[str, _Function] = {}
    names = [function]
    while names:
        name = names.pop(0)
        if name in every and name not in found:
            found[name] = every[name]
            calls = [node.func for node in ast.walk(every[name]) if isinstance(node, ast.Call)]
            names += [called.id for called in calls if isinstance(called, ast.Name)]
    return found


def _registrations(function: _Function) -> Iterator[ast.Expr]:
    """The statements that bind something whenever the function runs."""
    for block in _blocks(function):
        for statement in block:
            if isinstance(statement, ast.Expr) and _port_of(statement.value) and _receiver(statement):
                yield statement


def _receiver(statement: ast.Expr) -> str:
    """The name of the container that a statement binds in."""
    call = statement.value
    owner = call.func.value if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) else None
    return owner.id if isinstance(owner, ast.Name) else ""


def _blocks(node: ast.AST) -> Iterator[list[ast.stmt]]:
    """What runs line by line: the bodies of functions, of ``with`` and of ``try``; no branch or loop."""
    body: list[ast.stmt] = getattr(node, "body", [])
    yield body
    for statement in body:
        if isinstance(statement, ast.With | ast.Try) or (
            isinstance(node, ast.Module) and isinstance(statement, _Function)
        ):
            yield from _blocks(statement)


def _end_of(function: _Function | None, name: str) -> _Place:
    """Above the one ``return container``, or ``yield container`` of a context manager."""
    if function is None:
        raise EditRefused(f"it has no function {name}")
    ends = [(one, _given(one)) for block in _blocks(function) for one in block if _given(one)]
    if len(ends) != 1:
        raise EditRefused(f"{name} does not end with a single `return container`")
    return _Place(*ends[0], behind=False)


def _given(statement: ast.stmt) -> str:
    """The name that a statement returns or yields."""
    value = statement.value if isinstance(statement, ast.Return | ast.Expr) else None
    if isinstance(statement, ast.Expr):
        value = value.value if isinstance(value, ast.Yield) else None
    return value.id if isinstance(value, ast.Name) else ""
