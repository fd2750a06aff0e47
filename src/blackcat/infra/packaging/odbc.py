"""What pyodbc needs on Lambda beside its wheel: unixODBC's driver manager, and drivers."""

from __future__ import annotations

import configparser
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path, PurePosixPath

from blackcat.application.packaging.artifact import Entry
from blackcat.application.packaging.target import Target
from blackcat.errors import InvalidPackage
from blackcat.infra.packaging.elf import shared_library

MANAGER = "libodbc.so.2"
# unixODBC looks for its list of drivers in the folder that ODBCSYSINI names.
ODBCSYSINI = "/opt/odbc"
ADVICE = (
    f"pyodbc needs {MANAGER} and the driver of the database, which no wheel brings: build with "
    "--odbc-driver PATH on a system with unixODBC (Lambda's own container image fits best), or add a layer "
    "that has them under lib/"
)

# Every image of Lambda's has these; other copies of them would only do harm.
_OF_THE_SYSTEM = (
    "ld-linux-x86-64.so.2",
    "ld-linux-aarch64.so.1",
    "libc.so.6",
    "libdl.so.2",
    "libgcc_s.so.1",
    "libm.so.6",
    "libpthread.so.0",
    "libresolv.so.2",
    "librt.so.1",
    "libstdc++.so.6",
    "libutil.so.1",
)
# https://www.unixodbc.org/odbcinst.html
_LISTED_HERE = "/etc/odbcinst.ini"
_FOLDERS = (
    "/usr/lib64",
    "/lib64",
    "/usr/local/lib",
    "/usr/lib/{machine}-linux-gnu",
    "/lib/{machine}-linux-gnu",
)


def odbc_files(drivers: Sequence[Path], target: Target) -> list[Entry]:
    """The drivers, the driver manager and all that they need, under ``lib/``; and the list of drivers.

    Each driver is listed under its file's name without ``.so``, and under the names that it has on this
    system, such as PostgreSQL Unicode. Raises InvalidPackage, naming the library
    that is missing here, of another processor, or too new for the target.
    """
    libraries: dict[str, Path] = {}
    _collect((_there(driver) for driver in drivers), target, libraries)
    _collect([_found(MANAGER, Path("/nowhere"), target, for_whom="pyodbc")], target, libraries)
    listed = _odbcinst(drivers).encode()
    return [
        *(_entry(name, path) for name, path in libraries.items()),
        Entry.holding(PurePosixPath("odbc/odbcinst.ini"), listed),
    ]


def _collect(paths: Iterable[Path], target: Target, libraries: dict[str, Path]) -> None:
    for path in paths:
        if path.name in libraries:
            continue
        library = shared_library(path)
        if library.machine != target.machine:
            raise InvalidPackage(f"{path} is for {library.machine}, and the layer for {target.machine}")
        if library.glibc > target.glibc:
            raise InvalidPackage(
                f"{path} needs glibc {_dotted(library.glibc)}, and {target} has {_dotted(target.glibc)}: "
                f"take one that was built for Lambda's system, from the container image of {target.runtime}"
            )
        libraries[path.name] = path
        needed = (name for name in library.needs if name not in _OF_THE_SYSTEM)
        _collect(
            (_found(name, path.parent, target, for_whom=path.name) for name in needed), target, libraries
        )


def _there(driver: Path) -> Path:
    if not driver.is_file():
        raise InvalidPackage(f"there is no ODBC driver {driver}")
    return driver


def _found(name: str, beside: Path, target: Target, *, for_whom: str) -> Path:
    folders = [beside, *(Path(folder.format(machine=target.machine)) for folder in _FOLDERS)]
    for folder in folders:
        if (folder / name).is_file():
            return folder / name
    raise InvalidPackage(
        f"{for_whom} needs {name}, which is in none of {', '.join(map(str, folders[1:]))}: install it "
        "(unixodbc on Debian, unixODBC on Amazon Linux), or build in Lambda's container image"
    )


def _odbcinst(drivers: Sequence[Path]) -> str:
    return "".join(
        f"[{name}]\nDriver=/opt/lib/{driver.name}\n\n"
        for driver in drivers
        for name in dict.fromkeys([driver.stem, *_names_here(driver)])
    )


def _names_here(driver: Path) -> list[str]:
    listed = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        listed.read(_LISTED_HERE)
    except configparser.Error:  # whatever stands there, the driver has its file's name
        return []
    sections = listed.items()
    return [name for name, section in sections if Path(section.get("Driver", "")).name == driver.name]


def _entry(name: str, path: Path) -> Entry:
    return Entry(PurePosixPath("lib", name), path.stat().st_size, partial(path.read_bytes), executable=True)


def _dotted(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))
