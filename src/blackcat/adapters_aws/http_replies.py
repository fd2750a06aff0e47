"""HTTP/1.1 replies, read from a socket: what http.client does, without its e-mail parser.

https://www.rfc-editor.org/rfc/rfc9112
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from http.client import BadStatusLine, IncompleteRead, LineTooLong, RemoteDisconnected
from typing import NamedTuple

MAX_HEAD_BYTES = 65_536
_READ_BYTES = 65_536


class Reply(NamedTuple):
    """An HTTP reply, header names in lower case; ``last`` when no other can follow on its connection."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    last: bool


def read_reply(connected: socket.socket) -> Reply:
    """The reply to a POST. Raises OSError or http.client.HTTPException when it does not come whole."""
    arriving = _Arriving(connected)
    version, status, headers = _head(arriving)
    while 100 <= status < 200:
        version, status, headers = _head(arriving)
    body, delimited = _body(arriving, status, headers)
    closing = version != "HTTP/1.1" or headers.get("connection", "").lower() == "close"
    # What came unasked would be taken for the reply to the next request.
    return Reply(status, headers, body, closing or not delimited or arriving.has_more)


class _Arriving:
    def __init__(self, connected: socket.socket) -> None:
        self._receive = connected.recv
        self._data = b""

    @property
    def has_more(self) -> bool:
        return bool(self._data)

    def through(self, mark: bytes) -> bytes:
        """Everything before the mark, which is taken too."""
        while (end := self._data.find(mark)) < 0:
            if len(self._data) > MAX_HEAD_BYTES:
                raise LineTooLong("reply")
            self._data += self._some()
        found, self._data = self._data[:end], self._data[end + len(mark) :]
        return found

    def exactly(self, count: int) -> bytes:
        parts, missing = [self._data], count - len(self._data)
        while missing > 0:
            parts.append(self._some())
            missing -= len(parts[-1])
        whole = b"".join(parts)
        self._data = whole[count:]
        return whole[:count]

    def rest(self) -> bytes:
        parts, self._data = [self._data], b""
        while part := self._receive(_READ_BYTES):
            parts.append(part)
        return b"".join(parts)

    def _some(self) -> bytes:
        if data := self._receive(_READ_BYTES):
            return data
        if self._data:
            raise IncompleteRead(self._data)
        raise RemoteDisconnected("the connection was closed without a reply")


def _head(arriving: _Arriving) -> tuple[str, int, dict[str, str]]:
    first, *lines = arriving.through(b"\r\n\r\n").decode("latin-1").split("\r\n")
    version, _, rest = first.partition(" ")
    status = rest[:3]
    if not version.startswith("HTTP/1.") or not status.isdecimal():
        raise BadStatusLine(first)
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return version, int(status), headers


def _body(arriving: _Arriving, status: int, headers: Mapping[str, str]) -> tuple[bytes, bool]:
    """The body, and whether its end was marked otherwise than by the end of the connection."""
    if status in (204, 304):
        return b"", True
    if "chunked" in headers.get("transfer-encoding", "").lower():
        return _chunks(arriving), True
    length = headers.get("content-length", "")
    if length.isdecimal():
        return arriving.exactly(int(length)), True
    return arriving.rest(), False


def _chunks(arriving: _Arriving) -> bytes:
    chunks = []
    while size := _chunk_size(arriving.through(b"\r\n")):
        chunks.append(arriving.exactly(size))
        arriving.through(b"\r\n")
    while arriving.through(b"\r\n"):
        pass  # a trailer
    return b"".join(chunks)


def _chunk_size(line: bytes) -> int:
    digits = line.partition(b";")[0].strip()
    if not digits or digits.strip(b"0123456789abcdefABCDEF"):
        raise IncompleteRead(line)
    return int(digits, 16)
