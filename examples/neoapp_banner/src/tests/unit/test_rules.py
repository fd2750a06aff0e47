"""The rules of this layout. Each is a test: it fails with the place, the reason and what to write instead.

The code is not run: its syntax tree is read, as Python itself reads it before running it.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

SRC = Path(__file__).parents[2]
TESTS = SRC / "tests"
INTERFACES = ("core", "utils", "notations")
OF_THE_DOMAIN = {*sys.stdlib_module_names, "pydantic"}
# Of the standard library, what talks to the outside.
OUTSIDE = {"ftplib", "http.client", "smtplib", "socket", "sqlite3", "subprocess", "urllib.request"}
OF_THIS_PROJECT = {"src", *(path.stem for path in SRC.iterdir() if path.suffix in ("", ".py"))}


def test_imports_inside_src_are_relative() -> None:
    hold(
        f"{place(path, node)} imports {name}: write it as a relative import, with dots (from .. import …)"
        for path in modules()
        for node, name in absolute_imports(path)
        if name.partition(".")[0] in OF_THIS_PROJECT
    )


def test_core_holds_no_business_rule() -> None:
    hold(
        f"{place(path, node)} imports {dotted(target)}: core knows no business rule; move the code that "
        f"needs it to {target[0]}, or let it be given as a parameter"
        for path in modules("core")
        for node, target in relative_imports(path)
        if target[0] in ("domain", "endpoint")
    )


def test_the_domain_knows_of_core_its_interfaces_only() -> None:
    hold(
        f"{place(path, node)} imports {dotted(target)}: declare what the rule needs as a Protocol in "
        "core/utils/notations.py, import that, and bind it in core/mew/core.py"
        for path in modules("domain")
        for node, target in relative_imports(path)
        if target[0] != "domain" and target[:3] != INTERFACES
    )


def test_the_domain_and_its_interfaces_need_no_library() -> None:
    hold(
        f"{place(path, node)} imports {name}: a rule is written with the standard library and pydantic; move "
        "what talks to the outside to core, behind a Protocol in core/utils/notations.py"
        for path in [*modules("domain"), SRC.joinpath(*INTERFACES).with_suffix(".py")]
        for node, name in absolute_imports(path)
        if name in OUTSIDE or name.partition(".")[0] not in OF_THE_DOMAIN | OF_THIS_PROJECT
    )


def test_interfaces_are_declared_without_what_is_behind_them() -> None:
    hold(
        f"{place(path, node)} imports {dotted(target)}: notations.py declares Protocols and types; what "
        "carries them out imports it, not the other way round"
        for path in [SRC.joinpath(*INTERFACES).with_suffix(".py")]
        for node, target in relative_imports(path)
    )


def test_nothing_is_imported_behind_the_back_of_these_rules() -> None:
    hold(
        f"{place(path, node)} imports by {name}(): write it as an import statement"
        for path in [*modules("domain"), *modules("core")]
        for node, name in uses(path)
        if name.rpartition(".")[2] in ("import_module", "__import__", "run_module", "run_path")
    )


def test_the_environment_is_read_in_config_only() -> None:
    hold(
        f"{place(path, node)} uses {name}: add a field to a class of settings in src/config.py, and ask "
        "for it with settings_of(…) of core/mew/config.py"
        for path in modules()
        if path != SRC / "config.py" and not path.is_relative_to(TESTS)
        for node, name in uses(path)
        if name in ("os.environ", "os.environb", "os.getenv", "os.getenvb", "os.putenv")
    )


def test_every_module_of_domain_and_endpoint_is_mirrored_by_its_tests() -> None:
    hold(
        f"{shown(path)} has no tests: write them in {shown(mirror)}"
        for path in [*modules("domain"), *modules("endpoint")]
        if path.name != "__init__.py"
        for mirror in [TESTS / "unit" / path.relative_to(SRC).with_name(f"test_{path.name}")]
        if not has_tests(mirror)
    )


def hold(problems: Iterable[str]) -> None:
    """Fail with all of them at once."""
    if found := list(problems):
        pytest.fail("\n".join(found), pytrace=False)


def modules(layer: str = "") -> list[Path]:
    return sorted((SRC / layer).rglob("*.py"))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def absolute_imports(path: Path) -> Iterator[tuple[ast.stmt, str]]:
    """`import a.b` and `from a.b import c`, wherever in the module they are, as "a.b"."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node, node.module or ""


def relative_imports(path: Path) -> Iterator[tuple[ast.stmt, tuple[str, ...]]]:
    """`from ..models import x` in domain/commands/y.py, as ("domain", "models", "x")."""
    folder = path.relative_to(SRC).parent.parts
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ImportFrom) and node.level:
            above = folder[: len(folder) - node.level + 1]
            module = node.module.split(".") if node.module else []
            yield from ((node, (*above, *module, alias.name)) for alias in node.names)


def uses(path: Path) -> Iterator[tuple[ast.AST, str]]:
    """Names as they are written, "os.environ", also where they were imported: `from os import environ`."""
    nodes = list(ast.walk(tree(path)))
    known = {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in nodes
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    } | {
        alias.asname: alias.name
        for node in nodes
        if isinstance(node, ast.Import)
        for alias in node.names
        if alias.asname
    }
    for node in nodes:
        if isinstance(node, ast.Name):
            yield node, known.get(node.id, node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield node, f"{known.get(node.value.id, node.value.id)}.{node.attr}"


def has_tests(path: Path) -> bool:
    return path.is_file() and any(
        isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
        for node in ast.walk(tree(path))
    )


def place(path: Path, node: ast.AST) -> str:
    return f"{shown(path)}:{getattr(node, 'lineno', 1)}"


def shown(path: Path) -> str:
    return path.relative_to(SRC.parent).as_posix()


def dotted(target: tuple[str, ...]) -> str:
    return ".".join(target)
