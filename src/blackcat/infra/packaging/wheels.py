"""Third-party packages for another Python and processor than this machine's, as wheels."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from email.parser import HeaderParser
from functools import partial
from pathlib import Path, PurePosixPath

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from blackcat.application.packaging.artifact import Entry, Package
from blackcat.application.packaging.requirements import name_of
from blackcat.application.packaging.target import Target
from blackcat.errors import InvalidPackage
from blackcat.infra.packaging.zips import sha256_of

_ROUNDS = 10
_ASKED, _PINNED = "requirements.txt", "constraints.txt"
_COMING = re.compile(r"Collecting ([A-Za-z0-9._-]+)")
_NO_WHEEL = re.compile(r"No matching distribution found for ([A-Za-z0-9._-]+)")
# What pip would install beside the packages themselves: programs, headers, manual pages.
_DATA = re.compile(r"[^/]+\.data/(?P<kind>[^/]+)/(?P<rest>.+)")
_IMPORTED = ("purelib", "platlib")
_COMPILED = (".pyc", ".pyo")
_NO_ANSWER = re.compile(r"after connection broken by (.+)")
_NOTHING_THERE = "(from versions: none)"
_TAIL = 12
_WIDTH = 300


@dataclass(frozen=True)
class Wheel:
    """A downloaded wheel. https://packaging.python.org/en/latest/specifications/binary-distribution-format/"""

    path: Path
    name: str
    version: str
    requires: tuple[Requirement, ...]

    @classmethod
    def read(cls, path: Path) -> Wheel:
        with zipfile.ZipFile(path) as archive:
            [metadata] = [
                name for name in archive.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", name)
            ]
            headers = HeaderParser().parsestr(archive.read(metadata).decode())
        requires = tuple(Requirement(text) for text in headers.get_all("Requires-Dist", []))
        return cls(path, canonicalize_name(headers["Name"]), headers["Version"], requires)

    def entries(self) -> list[Entry]:
        """Its files below ``python/``, as Lambda finds them in a layer; without tests and compiled files."""
        with zipfile.ZipFile(self.path) as archive:
            infos = [info for info in archive.infolist() if not info.is_dir()]
        return [
            Entry(PurePosixPath("python", place), info.file_size, partial(self._content, info), _runs(info))
            for info in infos
            if (place := _place(info.filename))
        ]

    def package(self) -> Package:
        size = sum(entry.size for entry in self.entries())
        return Package(self.name, self.version, sha256_of(self.path), size)

    def _content(self, info: zipfile.ZipInfo) -> bytes:
        with zipfile.ZipFile(self.path) as archive:
            return archive.read(info)


def resolved(
    requirements: Sequence[str],
    target: Target,
    folder: Path,
    *,
    exclude: Iterable[str] = (),
    find_links: Sequence[Path] = (),
    tell: Callable[[str], None] = lambda name: None,
) -> list[Wheel]:
    """The wheels that the requirements come to on the target, by name; downloaded into ``folder``.

    ``tell`` hears the name of each package when pip comes to it.

    pip chooses wheels for another platform, but judges ``; python_version < "3.11"`` and the like by the
    Python that it runs on. So what the target needs is found from the wheels' own metadata, and asked for
    until nothing is missing. Raises InvalidPackage.
    """
    excluded = frozenset(canonicalize_name(name) for name in exclude)
    roots = [one for one in requirements if name_of(one) not in excluded]
    missing: Sequence[str] = roots
    for _ in range(_ROUNDS):
        known = _wheels(folder)
        _write_requirements(folder, missing, known.values())
        _download(target, folder, find_links, tell)
        wheels = _wheels(folder)
        needed, missing = _closure(roots, wheels, target, excluded)
        if not missing:
            return [wheels[name] for name in sorted(needed)]
    raise InvalidPackage(f"the requirements do not come to an end: {', '.join(missing)} is still missing")


def _wheels(folder: Path) -> dict[str, Wheel]:
    wheels = [Wheel.read(path) for path in sorted(folder.glob("*.whl"))]
    return {wheel.name: wheel for wheel in wheels}


def _closure(
    roots: Sequence[str], wheels: Mapping[str, Wheel], target: Target, excluded: frozenset[str]
) -> tuple[set[str], list[str]]:
    """The names of what the target needs, and the requirements that no wheel is there for."""
    needed: dict[str, set[str]] = {}  # with the extras that were looked into
    missing: dict[str, None] = {}
    waiting = [(parsed(text), "") for text in roots]
    while waiting:
        requirement, extra = waiting.pop()
        name = canonicalize_name(requirement.name)
        if name in excluded or not _applies(requirement, extra, target):
            continue
        if name not in wheels:
            missing[_without_marker(requirement)] = None
            continue
        seen = needed.setdefault(name, set())
        for one in {"", *requirement.extras} - seen:
            seen.add(one)
            waiting += [(required, one) for required in wheels[name].requires]
    return set(needed), list(missing)


def parsed(text: str) -> Requirement:
    """A requirement, its hashes left aside. Raises InvalidPackage."""
    bare = text.partition(" --hash")[0]
    try:
        return Requirement(bare)
    except InvalidRequirement as error:
        raise InvalidPackage(f"'{bare}' is no requirement that can be packed: {error}") from error


def _applies(requirement: Requirement, extra: str, target: Target) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({**target.markers, "extra": extra})


def _without_marker(requirement: Requirement) -> str:
    return str(requirement).partition(";")[0].strip()


def _write_requirements(folder: Path, requirements: Iterable[str], pinned: Iterable[Wheel]) -> None:
    (folder / _ASKED).write_text("".join(f"{one}\n" for one in requirements))
    (folder / _PINNED).write_text("".join(f"{wheel.name}=={wheel.version}\n" for wheel in pinned))


def _download(target: Target, folder: Path, find_links: Sequence[Path], tell: Callable[[str], None]) -> None:
    links = [part for link in find_links for part in ("--find-links", str(link.absolute()))]
    platforms = [part for tag in target.platforms for part in ("--platform", tag)]
    command = [
        *(sys.executable, "-m", "pip", "download", "--no-input", "--disable-pip-version-check"),
        *(
            "--dest",
            str(folder),
            "--requirement",
            str(folder / _ASKED),
            "--constraint",
            str(folder / _PINNED),
        ),
        *("--only-binary", ":all:", "--implementation", "cp", "--python-version", target.python),
        *platforms,
        *links,
    ]
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as pip,
    ):
        for line in pip.stdout or ():
            if coming := _COMING.match(line):
                tell(coming[1])
        if pip.wait():
            errors.seek(0)
            raise InvalidPackage(_explained(errors.read(), target))


def _explained(said: str, target: Target) -> str:
    if "No module named pip" in said:
        return f"{sys.executable} has no pip, which finds the wheels: run `{sys.executable} -m ensurepip`"
    if _NOTHING_THERE in said and (broken := _NO_ANSWER.search(said)):
        return (
            "the package index does not answer: look at the network, and at pip's configuration "
            f"(`pip config list`, PIP_INDEX_URL)\n{broken[1][:_WIDTH]}"
        )
    if found := _NO_WHEEL.search(said):
        return (
            f"{found[1]} has no wheel for {target}, and no extension is built here: ask for a version that "
            "has one, or build it where Lambda's system runs (`pip wheel` in its container image) and name "
            "the folder with --find-links, or take it out. Should the index have one, look at pip's "
            f"configuration: one that wants a login lists nothing\n{_tail(said)}"
        )
    return f"pip cannot find the packages for {target}\n{_tail(said)}"


def _tail(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if not line.startswith("WARNING")]
    return "\n".join(line if len(line) <= _WIDTH else f"{line[:_WIDTH]} …" for line in lines[-_TAIL:])


def _place(name: str) -> str | None:
    """Where pip would put that file of a wheel among the packages; None for what a layer does not need."""
    if data := _DATA.fullmatch(name):
        return _place(data["rest"]) if data["kind"] in _IMPORTED else None
    parts = PurePosixPath(name).parts
    # What stands in RECORD would no longer be true.
    if name.endswith(_COMPILED) or "__pycache__" in parts or name.endswith(".dist-info/RECORD"):
        return None
    return None if "tests" in parts[:-1] else name


def _runs(info: zipfile.ZipInfo) -> bool:
    return bool(info.external_attr >> 16 & 0o100)
