"""The files of a project that its services depend on: what they are now, and whether they compile."""

from __future__ import annotations

import ast
import os
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

from blackcat.application.dev.changes import enters, matters

# Time, size and inode: an editor that puts a new file in the old one's place is noticed too.
Signature = tuple[int, int, int]


def snapshot(root: Path) -> dict[Path, Signature]:
    """Every file that matters below the folder, with what tells an edit."""
    found: dict[Path, Signature] = {}
    for folder, names, files in os.walk(root):
        here = Path(folder)
        names[:] = [name for name in names if enters(here / name) and not _is_environment(here / name)]
        for name in files:
            path = here / name
            if matters(path):
                found.update(_signature(path))
    return found


def _is_environment(folder: Path) -> bool:
    return (folder / "pyvenv.cfg").exists()


def _signature(path: Path) -> dict[Path, Signature]:
    try:
        status = path.stat()
    except OSError:  # gone meanwhile, or a link that leads nowhere, as editors use for their locks
        return {}
    return {path: (status.st_mtime_ns, status.st_size, status.st_ino)}


def syntax_problems(files: Iterable[Path], root: Path) -> Iterator[str]:
    """Where these files are no Python, with line and reason."""
    for file in files:
        if file.suffix != ".py" or not file.exists():
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                ast.parse(file.read_bytes(), str(file))
        except SyntaxError as error:
            yield f"{file.relative_to(root)}:{error.lineno or 1}: {error.msg}"
        except (ValueError, OSError, RecursionError, MemoryError) as error:
            yield f"{file.relative_to(root)}: {error}"
