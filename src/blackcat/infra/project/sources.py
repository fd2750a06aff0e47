"""The project's own source files and what they import, read without running them."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from pathlib import Path

from blackcat.application.doctor.architecture import Import, Source

# Not the project's own code, or code that may import everything.
_LEFT_OUT = {"__pycache__", "build", "dist", "node_modules", "site-packages", "test", "tests"}


def project_sources(root: Path) -> Iterator[Source]:
    """Every Python file below the folder; tests, environments and hidden folders are left out."""
    for folder, subfolders, names in os.walk(root):
        subfolders[:] = sorted(name for name in subfolders if _is_ours(Path(folder, name)))
        for name in sorted(names):
            if name.endswith(".py"):
                yield _source(Path(folder, name), root)


def _is_ours(folder: Path) -> bool:
    return (
        folder.name not in _LEFT_OUT
        and not folder.name.startswith(".")
        and not (folder / "pyvenv.cfg").exists()
    )


def _source(path: Path, root: Path) -> Source:
    place = path.relative_to(root).as_posix()
    module = _module_name(path, root)
    try:
        tree = ast.parse(path.read_bytes(), filename=place)
    except SyntaxError as error:
        return Source(module, place, problem=f"line {error.lineno}: {error.msg}")
    except (ValueError, OSError, RecursionError, MemoryError) as error:
        return Source(module, place, problem=str(error))
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    return Source(module, place, tuple(_imports(tree, package)))


def _module_name(path: Path, root: Path) -> str:
    top = root / "src" if _is_source_folder(root / "src") and path.is_relative_to(root / "src") else root
    parts = path.relative_to(top).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _is_source_folder(folder: Path) -> bool:
    return folder.is_dir() and not (folder / "__init__.py").exists()


def _imports(tree: ast.AST, package: str) -> Iterator[Import]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from _imported_from(node, package)


def _imported_from(node: ast.ImportFrom, package: str) -> Iterator[Import]:
    """``from a import b`` may import the module a.b; when it does not, a.b lies in a all the same."""
    base = _absolute(node, package)
    for alias in node.names:
        yield Import(base if alias.name == "*" else f"{base}.{alias.name}".strip("."), node.lineno)


def _absolute(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    above = package.split(".")[: len(package.split(".")) - node.level + 1]
    return ".".join([*above, *((node.module or "").split(".") if node.module else [])])
