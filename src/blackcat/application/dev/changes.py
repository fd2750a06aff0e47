"""Which edits matter to running services."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import TypeVar

# Nothing that runs is imported from these.
_PASSED_OVER = ("__pycache__", "node_modules", "site-packages", "tests")

File = TypeVar("File", bound=PurePath)
Signature = TypeVar("Signature")


def enters(folder: PurePath) -> bool:
    """Whether a folder can hold code that the services run: no hidden one, no cache, no tests."""
    return folder.name not in _PASSED_OVER and not folder.name.startswith(".")


def matters(file: PurePath) -> bool:
    """Whether a running service depends on the file: code, settings and the project's own file do."""
    name = file.name
    return name.endswith(".py") or name in ("pyproject.toml", ".env") or name.startswith(".env.")


def changed(before: Mapping[File, Signature], after: Mapping[File, Signature]) -> list[File]:
    """The files that came, went or were edited, in order."""
    return sorted(file for file in {*before, *after} if before.get(file) != after.get(file))
