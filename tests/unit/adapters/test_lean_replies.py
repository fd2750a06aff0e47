"""Replies as they arrive: in pieces, in chunks, cut off."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackcat.adapters_aws.http_replies import MAX_HEAD_BYTES, Reply, read_reply

WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Amzn-RequestId: r-1\r\n\r\nhello"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"3\r\nhel\r\n2;name=value\r\nlo\r\n0\r\nTrailer: x\r\n\r\n"
)


class Pieces:
    """A socket to which a reply comes in pieces, and then the end."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = list(pieces)

    def recv(self, size: int) -> bytes:
        return self._pieces.pop(0) if self._pieces else b""


def read(*pieces: bytes) -> Reply:
    return read_reply(Pieces(*pieces))


@contextmanager
def connected(data: bytes) -> Iterator[socket.socket]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(data)
        theirs.close()
        yield ours


@pytest.mark.parametrize(
    ("data", "status", "body", "last"),
    [
        (WHOLE, 200, b"hello", False),
        (CHUNKED, 200, b"hello", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, b"", False),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b"", False),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + WHOLE, 200, b"hello", False),
        (b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nhi", 200, b"hi", False),
        (b"HTTP/1.1 503 Slow Down\r\ncontent-length:2\r\nConnection: Close\r\n\r\nhi", 503, b"hi", True),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", 200, b"hi", True),
        (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", 200, b"until the end", True),
    ],
    ids=[
        "length",
        "chunks",
        "empty",
        "no content",
        "interim",
        "no reason",
        "close",
        "old",
        "until the end",
    ],
)
def test_a_reply_is_read_as_it_is_delimited(data: bytes, status: int, body: bytes, last: bool) -> None:
    for pieces in ([data], [data[index : index + 1] for index in range(len(data))]):
        reply = read(*pieces)
        assert (reply.status, reply.body) == (status, body)
        assert reply.last is last


def test_nothing_follows_a_reply_with_something_after_it() -> None:
    assert read(WHOLE + b"HTTP/1.1 200 OK\r\n").last


def test_header_names_are_in_lower_case_and_values_trimmed() -> None:
    assert read(WHOLE).headers == {"content-length": "5", "x-amzn-requestid": "r-1"}


@given(st.data(), st.binary(max_size=50), st.booleans())
def test_pieces_change_nothing(data: st.DataObject, body: bytes, chunked: bool) -> None:
    if chunked:
        framed = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        framed = framed if body else b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    else:
        framed = b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    whole = b"HTTP/1.1 200 OK\r\n" + framed
    cuts = sorted(data.draw(st.sets(st.integers(1, len(whole) - 1), max_size=6)))
    pieces = [whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    assert read(*pieces) == read(whole)
    with connected(whole) as ours:
        theirs = http.client.HTTPResponse(ours)
        theirs.begin()
        assert read(*pieces).body == theirs.read()


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", http.client.RemoteDisconnected),
        (WHOLE[:30], http.client.IncompleteRead),
        (WHOLE[:-1], http.client.HTTPException),
        (CHUNKED[:-20], http.client.HTTPException),
        (CHUNKED.replace(b"3\r\nhel", b"three\r\nhel"), http.client.IncompleteRead),
        (CHUNKED.replace(b"3\r\nhel", b"-3\r\nhel"), http.client.IncompleteRead),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", http.client.BadStatusLine),
        (b"HTTP/1.1 two OK\r\n\r\n", http.client.BadStatusLine),
        (b"x" * (MAX_HEAD_BYTES + 1), http.client.LineTooLong),
    ],
)
def test_half_a_reply_is_none(data: bytes, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        read(data)
