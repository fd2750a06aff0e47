"""A project's registry with one more service: its source is edited by syntax, and checked after."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator, Mapping
from typing import Any

from blackcat.application.scaffolding.brackets import item_after
from blackcat.application.scaffolding.folding import folded
from blackcat.application.scaffolding.names import Names
from blackcat.application.scaffolding.new_import import with_import
from blackcat.application.scaffolding.snippet import Snippet
from blackcat.application.scaffolding.source import EditRefused, Insertion, NameTaken, Source
from blackcat.errors import ConfigurationError, InvalidName, NotUnderstood

_SERVICE = "blackcat.Service"
_REGISTRY = "blackcat.ServiceRegistry"


def with_service(text: str, declaration: Snippet, *, registry: str = "services") -> str:
    """The registry's source with a service declared; the same text where it is declared already.

    A declaration has the imports that it needs, resources that it names, and at its end
    ``Service(...)``. ``registry`` is the name that the ServiceRegistry is bound to. Raises
    NotUnderstood for a registry that is no plain list, InvalidName for a service of that name that is
    declared otherwise, ProjectError for a source that Python does not read, and ConfigurationError
    for a declaration that is none.
    """
    service = _service_of(declaration)
    source = Source(text)
    if _declares(source, declaration, service):
        return text
    try:
        return _with_service(source, declaration, service, registry).text
    except NameTaken as taken:
        raise InvalidName(f"{taken}: choose another name for the service") from taken
    except EditRefused as refusal:
        raise NotUnderstood(str(refusal)) from refusal


def container_of(text: str, *, registry: str = "services") -> str | None:
    """The import string that the registry gives as its container; None when it gives none as text."""
    source = Source(text)
    try:
        call = _registry_call(source, registry)
    except EditRefused:
        return None
    given = _argument(call, "container")
    return given.value if isinstance(given, ast.Constant) and isinstance(given.value, str) else None


def services_of(text: str) -> dict[str, ast.Call]:
    """The services that the file declares, by their names."""
    return dict(_declared(Source(text)))


def _service_of(snippet: Snippet) -> ast.Call:
    last = snippet.statements[-1] if snippet.statements else None
    if not isinstance(last, ast.Expr) or not isinstance(last.value, ast.Call) or not _name_of(last.value):
        raise ConfigurationError('a declaration must end with Service(name="...", ...)')
    return last.value


def _declares(source: Source, snippet: Snippet, service: ast.Call) -> bool:
    """Whether the file declares this very service. Raises InvalidName when it declares another so."""
    name = _name_of(service)
    known = dict(_declared(source)).get(name)
    if known is None:
        return False
    if _normal(known, Names(source.tree)) != _normal(service, snippet.names):
        raise InvalidName(
            f"a service '{name}' is declared already, on line {known.lineno}, in another way: choose "
            "another name, or take that declaration out"
        )
    return True


def _declared(source: Source) -> Iterator[tuple[str, ast.Call]]:
    names = Names(source.tree)
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and names.meaning(node.func) == _SERVICE and _name_of(node):
            yield _name_of(node), node


def _name_of(call: ast.Call) -> str:
    name = _argument(call, "name")
    return name.value if isinstance(name, ast.Constant) and isinstance(name.value, str) else ""


def _argument(call: ast.Call, name: str) -> ast.expr | None:
    return next((keyword.value for keyword in call.keywords if keyword.arg == name), None)


def _normal(call: ast.Call, names: Names) -> str:
    """What a declaration says, in whichever order, and by whichever aliases."""

    class Unaliased(ast.NodeTransformer):
        def generic_visit(self, node: ast.AST) -> ast.AST:
            meaning = names.meaning(node) if isinstance(node, ast.Name | ast.Attribute) else None
            return ast.Name(meaning) if meaning else super().generic_visit(node)

    copied = copy.deepcopy(call)
    copied.keywords.sort(key=lambda keyword: keyword.arg or "")
    return ast.dump(Unaliased().visit(copied))


def _with_service(source: Source, snippet: Snippet, service: ast.Call, registry: str) -> Source:
    _listed(source, registry)  # before anything else: what it refuses says most
    local = {}
    for module, name in snippet.imports:
        source, local[name] = with_import(source, module, name)
    for statement in snippet.statements[:-1]:
        source = _with_resource(source, snippet, statement, local, registry)
    return _with_item(source, snippet.with_names(service, local), registry)


def _with_item(source: Source, item: str, registry: str) -> Source:
    listed = _listed(source, registry)
    copies: dict[int, Any] = {}
    expected = copy.deepcopy(source.tree, copies)
    copies[id(listed)].elts.append(ast.parse(item, mode="eval").body)
    last = listed.elts[-1] if listed.elts else None
    return source.edited(item_after(source, source.token_at(listed), last, item), expected)


def _with_resource(
    source: Source, snippet: Snippet, statement: ast.stmt, local: Mapping[str, str], registry: str
) -> Source:
    """The file with a resource that the service names, such as a queue, below those that are there."""
    if not isinstance(statement, ast.Assign) or not isinstance(statement.targets[0], ast.Name):
        raise ConfigurationError("above Service(...) a declaration may only import and assign")
    text = folded(snippet.with_names(statement, local))
    new = ast.parse(text).body[0]
    name = statement.targets[0].id
    if Names(source.tree).bound[name]:
        if any(ast.dump(one) == ast.dump(new) for one in source.tree.body):
            return source
        raise NameTaken(f"'{name}' stands for something else there")
    listed = _listed(source, registry)
    index = next(i for i, one in enumerate(source.tree.body) if listed in ast.walk(one))
    expected = copy.deepcopy(source.tree)
    expected.body.insert(index, new)
    return source.edited([_line_before(source, index, text)], expected)


def _line_before(source: Source, index: int, text: str) -> Insertion:
    """Below the statement before, if that assigns too; else above what comments on the one that follows."""
    before = source.tree.body[index - 1]
    if index and isinstance(before, ast.Assign | ast.AnnAssign):
        return Insertion(source.end(before)[0] + 1, 0, f"{text}\n")
    line = source.tree.body[index].lineno
    while source.line(line - 1).startswith("#"):
        line -= 1
    gap = "\n" if source.line(line - 1).strip() else ""
    return Insertion(line, 0, f"{gap}{text}\n\n")


def _registry_call(source: Source, registry: str) -> ast.Call:
    names = Names(source.tree)
    if names.bound[registry] != 1:
        raise EditRefused(f"'{registry}' is not bound just once")
    value = _bound_to(source.tree, registry)
    if not isinstance(value, ast.Call) or names.meaning(value.func) != _REGISTRY:
        raise EditRefused(f"'{registry}' is not simply ServiceRegistry([...])")
    return value


def _listed(source: Source, registry: str) -> ast.List | ast.Tuple:
    """The list that holds the declarations. Raises EditRefused for one that is made by other code."""
    call = _registry_call(source, registry)
    given = call.args[0] if call.args else _argument(call, "services")
    if isinstance(given, ast.Name):
        given = _bound_list(source.tree, given.id)
    if isinstance(given, ast.Tuple):
        opening = source.token_at(given)
        if source.tokens[opening].string != "(" or source.closing(opening) != source.last_token(given):
            given = None
    if not isinstance(given, ast.List | ast.Tuple):
        raise EditRefused(f"'{registry}' does not get its services as a list that is written out")
    return given


def _bound_list(tree: ast.Module, name: str) -> ast.expr | None:
    """What a name is bound to that nothing else in the file uses: code there might change the list."""
    uses = sum(isinstance(node, ast.Name) and node.id == name for node in ast.walk(tree))
    return _bound_to(tree, name) if uses == 2 else None


def _bound_to(tree: ast.Module, name: str) -> ast.expr | None:
    for statement in tree.body:
        if isinstance(statement, ast.Assign):
            targets = statement.targets
        else:
            targets = [statement.target] if isinstance(statement, ast.AnnAssign) else []
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            return statement.value  # type: ignore[attr-defined, no-any-return]  # an assignment, as just seen
    return None
