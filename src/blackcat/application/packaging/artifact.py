"""What is built: zips and what they hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

FUNCTION = "function"
MEW = "mew"
EKANS = "ekans"


@dataclass(frozen=True)
class Entry:
    """A file of a zip, read when it is written there; ``size`` in bytes."""

    path: PurePosixPath
    size: int
    read: Callable[[], bytes]
    executable: bool = False

    @classmethod
    def holding(cls, path: PurePosixPath, content: bytes) -> Entry:
        return cls(path, len(content), lambda: content)


@dataclass(frozen=True)
class Package:
    """A distribution that went into a layer; ``size`` unzipped, in bytes; ``sha256`` of its wheel, in hex."""

    name: str
    version: str
    sha256: str
    size: int

    def __str__(self) -> str:
        return f"{self.name}=={self.version}"


@dataclass(frozen=True)
class Artifact:
    """A zip that was built. Sizes in bytes, ``sha256`` of the zip in hex."""

    name: str
    file: str
    sha256: str
    zipped: int
    unzipped: int
    packages: tuple[Package, ...] = ()

    def as_json(self) -> dict[str, Any]:
        packages = [vars(package) for package in self.packages]
        return {**vars(self), "packages": packages}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Artifact:
        """Raises KeyError or TypeError for what ``as_json`` did not write."""
        return cls(**{**value, "packages": tuple(Package(**one) for one in value["packages"])})
