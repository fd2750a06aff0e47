"""Generated trees as one text each, to compare with what stands in this folder.

After a change that is meant: UPDATE_GOLDEN=1 python -m pytest ..., and read the diff.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from blackcat.application.scaffolding.plan import File

FOLDER = Path(__file__).parent


def assert_golden(name: str, files: Iterable[File]) -> None:
    """These files are what ``tests/golden/<name>.txt`` holds."""
    golden = FOLDER / f"{name}.txt"
    found = "\n".join(_section(file) for file in sorted(files, key=lambda file: file.path))
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(found, encoding="utf-8")
    assert found == golden.read_text(encoding="utf-8")


def _section(file: File) -> str:
    return f"===== {file.path}\n{file.content}"
