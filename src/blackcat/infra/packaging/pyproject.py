"""What a project's pyproject.toml and requirements files say of its Lambda function."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from blackcat.application.packaging.declaration import DeclaredFunction, declared
from blackcat.application.packaging.requirements import requirement_lines
from blackcat.errors import InvalidPackage

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_FILE = "pyproject.toml"
_REQUIREMENTS = ("requirements.txt", "requirements/runtime.txt")


class Requirements(NamedTuple):
    """What a project requires, and the file that says so."""

    lines: tuple[str, ...]
    file: str


def declared_function(root: Path, alias: str | None = None) -> DeclaredFunction:
    """The function as ``[tool.blackcat.lambda]`` declares it, for that alias. Raises InvalidPackage."""
    content = _content(root)
    options = content.get("tool", {}).get("blackcat", {}).get("lambda", {})
    project = content.get("project", {}).get("name") or root.absolute().name
    if not isinstance(options, dict):
        raise InvalidPackage(f"{_FILE}: [tool.blackcat.lambda] must be a table")
    try:
        return declared(options, project=project, alias=alias)
    except InvalidPackage as error:
        raise InvalidPackage(f"{root / _FILE}: {error}") from error


def requirements_of(root: Path, named: str | None) -> Requirements:
    """The lines of the requirements file that is named or there, else the dependencies of pyproject.toml.

    Raises InvalidPackage.
    """
    file = named or next((name for name in _REQUIREMENTS if (root / name).is_file()), None)
    if file is None:
        return Requirements(tuple(_dependencies(root)), _FILE)
    return Requirements(tuple(requirement_lines(PurePosixPath(file), lambda path: _read(root, path))), file)


def _dependencies(root: Path) -> Sequence[str]:
    dependencies: Sequence[str] = _content(root).get("project", {}).get("dependencies", [])
    return dependencies


def _content(root: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(_read(root, PurePosixPath(_FILE)))
    except tomllib.TOMLDecodeError as error:
        raise InvalidPackage(f"{root / _FILE} cannot be read: {error}") from error


def _read(root: Path, path: PurePosixPath) -> str:
    try:
        return (root / path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidPackage(f"{root / path} cannot be read: {error}") from error
