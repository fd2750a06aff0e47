"""The function's own files, as the project has them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from blackcat.application.packaging.artifact import Entry
from blackcat.application.packaging.leaks import leak
from blackcat.application.packaging.limits import MAX_UNZIPPED, mebibytes
from blackcat.application.packaging.selection import (
    is_hidden,
    is_secret,
    is_source,
    skipped_folders,
    sources_of,
)
from blackcat.errors import InvalidPackage

_SHOWN = 5


@dataclass(frozen=True)
class Selected:
    """The files that go in, and those that were left out.

    ``secret`` are files whose names tell of secrets; ``elsewhere`` links out of the project or to folders,
    and what is no file at all.
    """

    entries: tuple[Entry, ...]
    secret: tuple[PurePosixPath, ...]
    elsewhere: tuple[PurePosixPath, ...]


def function_files(root: Path, sources: Sequence[str]) -> Selected:
    """The files of a project that its function needs; ``sources`` are folders and files, or found out.

    Raises InvalidPackage when there are none, or more than Lambda takes, or when one holds a secret: it names
    the file, not the secret.
    """
    paths = set(_paths(root))
    _require_there(root, sources)
    chosen = list(sources) or sources_of(paths)
    wanted = sorted(path for path in paths if is_source(path, chosen))
    files = {path: real for path in wanted if (real := _own_file(root, path))}
    entries = [_entry(root, path) for path in files]
    _refuse_too_large(entries)
    secret = {entry.path for entry in entries if _is_secret(entry, files[entry.path])}
    entries = [entry for entry in entries if entry.path not in secret]
    if not any(entry.path.suffix == ".py" for entry in entries):
        raise InvalidPackage(
            f"{root} has nothing to run: it wants src/main.py, or packages with an __init__.py; name others "
            "in pyproject.toml: [tool.blackcat.lambda] sources"
        )
    _refuse_leaks(entries)
    elsewhere = (path for path in wanted if path not in files)
    return Selected(tuple(entries), tuple(sorted(secret)), tuple(elsewhere))


def _paths(root: Path) -> Iterator[PurePosixPath]:
    for folder, names, files in os.walk(root):
        environment = "pyvenv.cfg" in files
        skipped = skipped_folders(names)
        names[:] = [] if environment else sorted(name for name in names if name not in skipped)
        if not environment:
            links = (name for name in names if Path(folder, name).is_symlink())  # these are not followed
            yield from (_path(root, Path(folder, name)) for name in (*files, *links))


def _path(root: Path, file: Path) -> PurePosixPath:
    path = PurePosixPath(file.relative_to(root).as_posix())
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise InvalidPackage(
            f"the name of {str(file)!a} is not UTF-8, and a zip cannot hold it: rename it"
        ) from error
    return path


def _own_file(root: Path, path: PurePosixPath) -> PurePosixPath | None:
    """The file of the project that the path comes to, through links; None for anything else."""
    real, project = (root / path).resolve(), root.resolve()
    if not real.is_file() or not real.is_relative_to(project):
        return None
    return PurePosixPath(real.relative_to(project).as_posix())


def _is_secret(entry: Entry, real: PurePosixPath) -> bool:
    """By its own name, and by that of what it links to."""
    content = entry.read()
    return is_secret(entry.path, content) or is_hidden(real) or is_secret(real, content)


def _require_there(root: Path, sources: Sequence[str]) -> None:
    for source in sources:
        if not (root / source).exists() or not (root / source).resolve().is_relative_to(root.resolve()):
            raise InvalidPackage(
                f"[tool.blackcat.lambda] sources names '{source}', which {root} does not have"
            )


def _entry(root: Path, path: PurePosixPath) -> Entry:
    file = root / path
    status = file.stat()
    executable = bool(status.st_mode & 0o100)
    return Entry(path, status.st_size, partial(file.read_bytes), executable)


def _refuse_too_large(entries: Sequence[Entry]) -> None:
    """Before any is read: somebody's data may lie among the sources."""
    together = sum(entry.size for entry in entries)
    if together > MAX_UNZIPPED:
        largest = sorted(entries, key=lambda entry: entry.size, reverse=True)[:_SHOWN]
        told = ", ".join(f"{entry.path} {mebibytes(entry.size)}" for entry in largest)
        raise InvalidPackage(
            f"the function's own files have {mebibytes(together)}, and Lambda takes "
            f"{mebibytes(MAX_UNZIPPED)} with all layers: move what it does not run with "
            f"elsewhere (the largest are {told})"
        )


def _refuse_leaks(entries: Sequence[Entry]) -> None:
    found = [f"{entry.path} has {kind}" for entry in entries if (kind := leak(entry.read()))]
    if found:
        raise InvalidPackage(
            f"{'; '.join(found)}: keep it in Secrets Manager, take it out, and replace it where it was valid"
        )
