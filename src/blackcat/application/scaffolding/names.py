"""What the names of a module stand for, as far as its imports tell."""

from __future__ import annotations

import ast
from collections import Counter, defaultdict
from collections.abc import Iterator

# Where Blackcat's public names are defined, and where they are imported from.
_HOMES = {"blackcat.domain.service": "blackcat", "blackcat.domain.registry": "blackcat"}

_OWN_SCOPE = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


class Names:
    """The names that a module binds, and the import strings of those that it only imports."""

    def __init__(self, tree: ast.Module) -> None:
        self.bound = Counter(_bound(tree))
        self.bound.update(
            name for node in ast.walk(tree) if isinstance(node, ast.Global) for name in node.names
        )
        meanings = defaultdict(list)
        self._modules: dict[str, str] = {}
        self._stars: list[str] = []
        for statement in tree.body:
            for name, meaning in self._imported(statement):
                meanings[name].append(meaning)
        # A name that something else may bind too stands for nothing certain.
        self._meanings = {
            name: found[0]
            for name, found in meanings.items()
            if len(found) == self.bound[name] and len(set(found)) == 1
        }

    def meaning(self, node: ast.expr) -> str | None:
        """What an expression stands for: "blackcat.Service"; None for what is not imported."""
        if isinstance(node, ast.Attribute):
            owner = self.meaning(node.value)
            return _canonical(f"{owner}.{node.attr}") if owner else None
        if not isinstance(node, ast.Name):
            return None
        if node.id in self._meanings:
            return self._meanings[node.id]
        if self._stars == ["blackcat"] and not self.bound[node.id]:
            return f"blackcat.{node.id}"
        return None

    def reference(self, module: str, name: str) -> str | None:
        """How the module can call that name of another module already; None without a further import."""
        wanted = _canonical(f"{module}.{name}")
        for local, meaning in self._meanings.items():
            if meaning == wanted:
                return local
        if self._stars == [module] and not self.bound[name]:
            return name
        for path, meaning in self._modules.items():
            if meaning == module and path.partition(".")[0] in self._meanings:
                return f"{path}.{name}"
        return None

    def _imported(self, statement: ast.stmt) -> Iterator[tuple[str, str]]:
        if isinstance(statement, ast.Import):
            for alias in statement.names:
                self._modules[alias.asname or alias.name] = alias.name
                top = alias.name.partition(".")[0]
                yield (alias.asname, alias.name) if alias.asname else (top, top)
        elif isinstance(statement, ast.ImportFrom) and statement.module and not statement.level:
            for alias in statement.names:
                meaning = f"{statement.module}.{alias.name}"
                if alias.name == "*":
                    self._stars.append(statement.module)
                    continue
                if meaning == "blackcat.resources":
                    self._modules[alias.asname or alias.name] = meaning
                yield alias.asname or alias.name, _canonical(meaning)


def _canonical(path: str) -> str:
    module, _, name = path.rpartition(".")
    return f"{_HOMES.get(module, module)}.{name}"


def _bound(node: ast.AST) -> Iterator[str]:
    """The names that a node binds in its own scope."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
        return
    if isinstance(node, _OWN_SCOPE):
        yield from (one.target.id for one in ast.walk(node) if isinstance(one, ast.NamedExpr))
        return
    if isinstance(node, ast.alias):
        yield (node.asname or node.name).partition(".")[0]
    elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        yield node.id
    elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
        yield node.name
    elif isinstance(node, ast.MatchMapping) and node.rest:
        yield node.rest
    for child in ast.iter_child_nodes(node):
        yield from _bound(child)
