"""What a shared library says of itself: its processor, the libraries that it needs, its glibc."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from blackcat.errors import InvalidPackage

# https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html
_MAGIC = b"\x7fELF\x02\x01"  # 64 bits, little endian
_MACHINES = {0x3E: "x86_64", 0xB7: "aarch64"}
_LOAD, _DYNAMIC = 1, 2
_NEEDED, _STRTAB = 1, 5
_GLIBC = re.compile(rb"\0GLIBC_(\d+)\.(\d+)")


@dataclass(frozen=True)
class SharedLibrary:
    """A library's machine, the names of what it needs, and the newest glibc that it asks for."""

    machine: str
    needs: tuple[str, ...]
    glibc: tuple[int, int]


def shared_library(path: Path) -> SharedLibrary:
    """Raises InvalidPackage for what is no 64-bit shared library of Linux."""
    try:
        content = path.read_bytes()
        if not content.startswith(_MAGIC):
            raise ValueError("it is of another kind")
        [machine] = struct.unpack_from("<H", content, 18)
        versions = [(int(major), int(minor)) for major, minor in _GLIBC.findall(content)]
        return SharedLibrary(_MACHINES[machine], tuple(_needed(content)), max(versions, default=(2, 0)))
    except (OSError, ValueError, KeyError, struct.error) as error:
        raise InvalidPackage(
            f"{path} is no shared library of 64-bit Linux that can be read: {error}"
        ) from error


def _needed(content: bytes) -> Iterator[str]:
    segments = list(_segments(content))
    dynamic = [entry for kind, *place in segments if kind == _DYNAMIC for entry in _entries(content, *place)]
    tables = [value for tag, value in dynamic if tag == _STRTAB]
    for tag, value in dynamic:
        if tag == _NEEDED:
            start = _offset(tables[0], segments) + value
            yield content[start : content.index(b"\0", start)].decode()


def _segments(content: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Each segment's kind, offset in the file, address and size."""
    [table] = struct.unpack_from("<Q", content, 32)
    size, count = struct.unpack_from("<HH", content, 54)
    for index in range(count):
        kind, _, offset, address, _, length = struct.unpack_from("<IIQQQQ", content, table + index * size)
        yield kind, offset, address, length


def _entries(content: bytes, offset: int, address: int, length: int) -> Iterator[tuple[int, int]]:
    for place in range(offset, offset + length, 16):
        yield struct.unpack_from("<qQ", content, place)


def _offset(address: int, segments: list[tuple[int, int, int, int]]) -> int:
    for kind, offset, start, length in segments:
        if kind == _LOAD and start <= address < start + length:
            return offset + address - start
    raise ValueError("its table of names lies outside")
