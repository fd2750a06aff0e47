"""Lambda's Runtime API on a port of this machine: where the process of a function asks for its events."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MAX_REQUEST_BYTES = 6 * 1024 * 1024
MAX_ASYNCHRONOUS_BYTES = 1024 * 1024
# What the error of a larger answer says, and the API lets pass.
MAX_RESPONSE_BYTES = MAX_REQUEST_BYTES + 100

# How soon a server notices that it is to stop.
_POLL_SECONDS = 0.02
_VERSION = "/2018-06-01/runtime"


@dataclass(frozen=True)
class Invocation:
    """An event on its way to the process, with the headers that come with it."""

    request_id: str
    event: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Ended:
    """What the process made of an invocation: its answer, or an error as Lambda tells it."""

    body: bytes
    error: str = ""


@dataclass
class Conversation:
    """What one process and Lambda have said to each other; every change is told to who waits."""

    changed: threading.Condition = field(default_factory=threading.Condition)
    invocation: Invocation | None = None
    ended: Ended | None = None
    init_error: Ended | None = None
    ready: bool = False
    snapshot_taken: bool = False
    restoring: bool = False
    closed: bool = False

    def begin(self, invocation: Invocation) -> None:
        with self.changed:
            self.invocation, self.ended, self.ready = invocation, None, False
            self.changed.notify_all()

    def next(self) -> Invocation | None:
        """Wait for an event; None when there will be no more."""
        with self.changed:
            self.ready = True
            self.changed.notify_all()
            self.changed.wait_for(lambda: self.closed or (self.invocation is not None and not self.ready))
            return None if self.closed else self.invocation

    def end(self, request_id: str, ended: Ended) -> bool:
        """Whether that invocation was still waited for."""
        with self.changed:
            if self.invocation is None or self.invocation.request_id != request_id or self.ended:
                return False
            self.ended = ended
            self.changed.notify_all()
            return True

    def fail_init(self, error: Ended) -> None:
        with self.changed:
            self.init_error = error
            self.changed.notify_all()

    def wait_for_restore(self) -> None:
        """The process has run what comes before its snapshot."""
        with self.changed:
            self.snapshot_taken = True
            self.changed.notify_all()
            self.changed.wait_for(lambda: self.restoring or self.closed)

    def restore(self) -> None:
        with self.changed:
            self.restoring = True
            self.changed.notify_all()

    def close(self) -> None:
        with self.changed:
            self.closed = True
            self.changed.notify_all()


class RuntimeApi:
    """The API for one process, at ``address``.

    https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
    """

    def __init__(self) -> None:
        self.conversation = Conversation()
        self._server = _Server(self.conversation)
        threading.Thread(
            target=self._server.serve_forever, args=(_POLL_SECONDS,), name="runtime-api", daemon=True
        ).start()

    @property
    def address(self) -> str:
        host, port = self._server.server_address[:2]
        return f"{host!s}:{port}"

    def close(self) -> None:
        self.conversation.close()
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, conversation: Conversation) -> None:
        super().__init__(("127.0.0.1", 0), _Requests)
        self.conversation = conversation

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A process that was killed hangs up; nothing else goes wrong here."""


class _Requests(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # An answer in pieces would wait for the other side's delayed acknowledgement, 40 ms.
    wbufsize = -1
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        conversation = self.server.conversation
        if self.path == f"{_VERSION}/invocation/next":
            self._give(conversation.next())
        elif self.path == f"{_VERSION}/restore/next":
            conversation.wait_for_restore()
            self._answer(HTTPStatus.OK, b"")
        else:
            self._answer(HTTPStatus.NOT_FOUND, b"{}")

    def do_POST(self) -> None:
        body = self._body()
        kind = self.headers.get("Lambda-Runtime-Function-Error-Type", "")
        if self.path in (f"{_VERSION}/init/error", f"{_VERSION}/restore/error"):
            self.server.conversation.fail_init(Ended(body, kind or "Runtime.InitError"))
            self._answer(HTTPStatus.ACCEPTED, b'{"status":"OK"}')
            return
        *start, request_id, what = self.path.split("/")
        if "/".join(start) != f"{_VERSION}/invocation" or what not in ("response", "error"):
            self._answer(HTTPStatus.NOT_FOUND, b"{}")
        elif what == "response" and len(body) > MAX_RESPONSE_BYTES:
            self.server.conversation.end(request_id, _too_large())
            self._answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, b'{"errorType":"RequestEntityTooLarge"}')
        else:
            error = (kind or "Unhandled") if what == "error" else ""
            taken = self.server.conversation.end(request_id, Ended(body, error))
            self._answer(HTTPStatus.ACCEPTED if taken else HTTPStatus.BAD_REQUEST, b'{"status":"OK"}')

    def log_message(self, *arguments: Any) -> None:
        """The function's own lines are enough."""

    def _give(self, invocation: Invocation | None) -> None:
        if invocation is None:
            self.close_connection = True
            return
        self._answer(HTTPStatus.OK, invocation.event, invocation.headers)

    def _answer(self, status: HTTPStatus, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        with contextlib.suppress(OSError):  # it was killed meanwhile
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def _body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            return b"".join(self._chunks())
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _chunks(self) -> list[bytes]:
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return chunks


def _too_large() -> Ended:
    error = {
        "errorType": "Function.ResponseSizeTooLarge",
        "errorMessage": "Response payload size exceeded maximum allowed payload size "
        f"({MAX_RESPONSE_BYTES} bytes).",
    }
    return Ended(json.dumps(error).encode(), error["errorType"])
