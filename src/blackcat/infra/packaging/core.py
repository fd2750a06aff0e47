"""The shared core: this Blackcat, as the ``mew`` layer holds it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path, PurePosixPath

from blackcat.application.packaging.artifact import Entry
from blackcat.application.packaging.requirements import name_of
from blackcat.application.packaging.target import Target
from blackcat.errors import InvalidPackage
from blackcat.infra.packaging.wheels import parsed

NAME = "blackcat"
# What is only generated from, on a developer's machine.
_LEFT_OUT = ("__pycache__", "templates")


def core_files() -> list[Entry]:
    """The files of this Blackcat, as a layer has them; its metadata, too. Raises InvalidPackage."""
    folder = Path(__file__).parents[2]
    metadata = _metadata()
    content = _text_of(metadata).encode()
    told = PurePosixPath("python", f"{NAME}-{metadata.version}.dist-info", "METADATA")
    return [*_entries(folder), Entry.holding(told, content)]


def core_version() -> str:
    return _metadata().version


def without_core(requirements: Sequence[str], target: Target) -> list[str]:
    """The requirements, and in place of Blackcat's name what it requires itself.

    Blackcat comes in a layer of its own. What is required by name already, pinned perhaps, is not
    required again.
    """
    others = [one for one in requirements if name_of(one) != NAME]
    if len(others) == len(requirements):
        return others
    named = {name_of(one) for one in others}
    extras = {extra for one in requirements if name_of(one) == NAME for extra in parsed(one).extras}
    return [*others, *(one for one in _required(extras, target) if name_of(one) not in named)]


def _required(extras: set[str], target: Target) -> Iterator[str]:
    for text in _metadata().requires or ():
        requirement = parsed(text)
        marker = requirement.marker
        environments = [{**target.markers, "extra": extra} for extra in ("", *sorted(extras))]
        if marker is None or any(marker.evaluate(environment) for environment in environments):
            yield str(requirement).partition(";")[0].strip()


def _metadata() -> Distribution:
    try:
        return distribution(NAME)
    except PackageNotFoundError as error:
        raise InvalidPackage(
            "Blackcat runs from a copy of its source, which tells neither version nor requirements: install "
            "it, with pip install blackcat, or pip install -e in a clone"
        ) from error


def _text_of(metadata: Distribution) -> str:
    return (
        metadata.read_text("METADATA")
        or f"Metadata-Version: 2.1\nName: {NAME}\nVersion: {metadata.version}\n"
    )


def _entries(folder: Path) -> Iterator[Entry]:
    for file in sorted(folder.rglob("*")):
        parts = file.relative_to(folder).parts
        if file.is_file() and not set(parts) & set(_LEFT_OUT):
            path = PurePosixPath("python", NAME, *parts)
            yield Entry(path, file.stat().st_size, partial(file.read_bytes))
