"""Zips that are the same bytes each time."""

from __future__ import annotations

import hashlib
import os
import stat
import time
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from blackcat.application.packaging.artifact import Artifact, Entry, Package
from blackcat.errors import InvalidPackage

# The oldest date that a zip can tell.
_EPOCH = (1980, 1, 1, 0, 0, 0)
_UNIX = 3
_CHUNK = 1024 * 1024


def write_zip(
    name: str, path: Path, entries: Iterable[Entry], *, packages: Sequence[Package] = ()
) -> Artifact:
    """Write the entries in order of their paths, with one date and fixed modes.

    The date is SOURCE_DATE_EPOCH, or 1980. The zip takes its name when it is whole. Raises InvalidPackage
    when two entries of one path differ.
    """
    date = _date()
    ordered = _without_duplicates(entries)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            for entry in ordered:
                archive.writestr(_info(entry, date), entry.read())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    unzipped = sum(entry.size for entry in ordered)
    return Artifact(name, path.name, sha256_of(path), path.stat().st_size, unzipped, tuple(packages))


def sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _without_duplicates(entries: Iterable[Entry]) -> list[Entry]:
    """Sorted by their paths. Packages that share a folder may each bring the same file of it."""
    unique: dict[str, Entry] = {}
    for entry in entries:
        other = unique.setdefault(str(entry.path), entry)
        if other is not entry and other.read() != entry.read():
            raise InvalidPackage(
                f"two packages bring {entry.path}, each its own: leave one of them out, with "
                "[tool.blackcat.lambda] exclude in pyproject.toml"
            )
    return [unique[path] for path in sorted(unique)]


def _info(entry: Entry, date: tuple[int, int, int, int, int, int]) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(str(entry.path), date)
    info.create_system = _UNIX
    info.compress_type = zipfile.ZIP_DEFLATED
    # Lambda runs as a user of its own, who must be able to read everything.
    info.external_attr = (stat.S_IFREG | (0o755 if entry.executable else 0o644)) << 16
    return info


def _date() -> tuple[int, int, int, int, int, int]:
    """https://reproducible-builds.org/docs/source-date-epoch/"""
    text = os.environ.get("SOURCE_DATE_EPOCH")
    if text is None:
        return _EPOCH
    try:
        year, month, day, hour, minute, second = time.gmtime(int(text))[:6]
    except (ValueError, OverflowError, OSError) as error:
        raise InvalidPackage(f"SOURCE_DATE_EPOCH must be seconds since 1970: not '{text}'") from error
    return max(_EPOCH, (year, month, day, hour, minute, second))
