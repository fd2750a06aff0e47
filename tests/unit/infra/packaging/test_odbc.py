"""Shared libraries as this machine has them: what they need, and what of it a layer gets."""

from __future__ import annotations

import configparser
import struct
import sys
import sysconfig
from pathlib import Path

import pytest

from blackcat.application.packaging.target import MACHINES, Target
from blackcat.errors import InvalidPackage
from blackcat.infra.packaging.elf import shared_library
from blackcat.infra.packaging.odbc import odbc_files

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="shared libraries of Linux")

DRIVERS = sorted(Path("/usr/lib").glob("*/odbc/psqlodbcw.so"))
MACHINE = sysconfig.get_platform().rpartition("-")[2]


@pytest.fixture
def extension() -> Path:
    """A library that every Python brings."""
    import _struct

    origin = getattr(_struct, "__file__", None)
    if origin is None:
        pytest.skip("this Python has its modules built in")
    return Path(origin)


def test_a_library_tells_its_processor_and_what_it_needs(extension: Path) -> None:
    library = shared_library(extension)
    assert library.machine == MACHINE
    assert "libc.so.6" in library.needs
    assert (2, 0) <= library.glibc < (3, 0)


@pytest.mark.parametrize(
    "content", [b"", b"MZ" * 100, b"\x7fELF\x01\x01" + bytes(100), b"\x7fELF\x02\x01\x01"]
)
def test_what_is_no_library_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "driver.so"
    path.write_bytes(content)
    with pytest.raises(InvalidPackage, match="is no shared library of 64-bit Linux"):
        shared_library(path)


def test_a_driver_of_another_processor_is_refused(tmp_path: Path, extension: Path) -> None:
    other = next(name for name, machine in MACHINES.items() if machine != MACHINE)
    with pytest.raises(InvalidPackage, match=f"is for {MACHINE}, and the layer for"):
        odbc_files([extension], Target("3.12", other))


def test_a_driver_that_wants_a_newer_glibc_is_refused(tmp_path: Path, extension: Path) -> None:
    newer = tmp_path / "newer.so"
    newer.write_bytes(extension.read_bytes() + b"\0GLIBC_2.99\0")
    here = next(name for name, machine in MACHINES.items() if machine == MACHINE)
    with pytest.raises(InvalidPackage, match=r"needs glibc 2.99, and Python 3.12 on .* has 2.34"):
        odbc_files([newer], Target("3.12", here))


def test_a_missing_driver_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidPackage, match="there is no ODBC driver"):
        odbc_files([tmp_path / "driver.so"], Target("3.12", "x86_64"))


@pytest.mark.skipif(not DRIVERS, reason="needs unixODBC and psqlODBC (Debian: unixodbc, odbc-postgresql)")
def test_a_driver_comes_with_its_manager_its_libraries_and_its_name() -> None:
    here = next(name for name, machine in MACHINES.items() if machine == MACHINE)
    files = {str(entry.path): entry for entry in odbc_files(DRIVERS, Target("3.12", here))}
    assert {"lib/psqlodbcw.so", "lib/libodbc.so.2", "lib/libpq.so.5", "odbc/odbcinst.ini"} <= files.keys()
    assert not files.keys() & {"lib/libc.so.6", "lib/libstdc++.so.6", "lib/libpthread.so.0"}
    listed = configparser.ConfigParser()
    listed.read_string(files["odbc/odbcinst.ini"].read().decode())
    assert {"psqlodbcw", "PostgreSQL Unicode"} <= set(listed.sections())
    assert {listed[name]["Driver"] for name in listed.sections()} == {"/opt/lib/psqlodbcw.so"}
    [machine] = struct.unpack_from("<H", files["lib/psqlodbcw.so"].read(), 18)
    assert machine in (0x3E, 0xB7)
