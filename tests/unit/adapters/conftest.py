"""A server that answers as a test has written down, to the byte."""

from __future__ import annotations

import json
import socket
import socketserver
import ssl
import struct
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from email.parser import Parser
from typing import Any

import botocore.session
import pytest
from botocore.config import Config
from botocore.credentials import Credentials

from blackcat.adapters_aws.lean import LeanSqs

REGION = "eu-west-1"
REQUEST_ID = "8f1c2f7e"

# What a server may do instead of answering.
HANG_UP = b"(closes the connection)"
RESET = b"(resets the connection)"
SILENCE = b"(says nothing until the test ends)"


class LastWords(bytes):
    """A reply after which the connection is closed."""


@dataclass(frozen=True)
class Request:
    """A request as it arrived; header names in lower case."""

    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class ScriptedServer(socketserver.ThreadingTCPServer):
    """Gives its ``replies`` one by one, whatever is asked; writes down what was asked.

    With ``echo`` it answers with the body of the message instead. With ``together`` it answers when so
    many have asked. With ``tunnel`` it is a proxy that lets CONNECT through. ``closed`` counts the
    connections that have ended.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.tls = tls
        self.replies: deque[bytes] = deque()
        self.requests: list[Request] = []
        self.connections = 0
        self.closed = threading.Semaphore(0)
        self.echo = self.tunnel = False
        self.together = threading.Barrier(1)
        self.ended = threading.Event()

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that gives up is part of some tests."""


class _Connection(socketserver.StreamRequestHandler):
    server: ScriptedServer

    def setup(self) -> None:
        if self.server.tls:
            self.request = self.server.tls.wrap_socket(self.request, server_side=True)
        super().setup()
        self.server.connections += 1

    def handle(self) -> None:
        while (request := self._arrived()) and self._answered(request):
            pass

    def _arrived(self) -> Request | None:
        first = self.rfile.readline()
        lines = iter(self.rfile.readline, b"\r\n")
        headers = Parser().parsestr(b"".join(lines).decode()) if first else {}
        names = {name.lower(): value for name, value in headers.items()}
        body = self.rfile.read(int(names.get("content-length", 0)))
        return Request(first.decode().split(" ")[1], names, body) if first else None

    def finish(self) -> None:
        super().finish()
        self.request.close()
        self.server.closed.release()

    def _answered(self, request: Request) -> bool:
        self.server.requests.append(request)
        self.server.together.wait()
        if self.server.tunnel:
            return self._tunnelled(request.target)
        answer = self._reply(request)
        if answer == SILENCE:
            self.server.ended.wait()
        elif answer == RESET:
            self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif answer != HANG_UP:
            self.wfile.write(answer)
            return not isinstance(answer, LastWords)
        return False

    def _reply(self, request: Request) -> bytes:
        if self.server.echo:
            return reply({"MessageId": request.json["MessageBody"]})
        return self.server.replies.popleft()

    def _tunnelled(self, target: str) -> bool:
        host, _, port = target.partition(":")
        with socket.create_connection((host, int(port))) as there:
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=_copied, args=(there, self.request))
            back.start()
            _copied(self.request, there)
            back.join()
        return False


def _copied(source: socket.socket, target: socket.socket) -> None:
    while data := source.recv(65_536):
        target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def reply(body: Any = "", *, status: int = 200, request_id: str | None = REQUEST_ID, **headers: str) -> bytes:
    """A reply of SQS: text and bytes are sent as they are, anything else as JSON."""
    content = body if isinstance(body, str | bytes) else json.dumps(body)
    content = content.encode() if isinstance(content, str) else content
    named = {"Content-Length": str(len(content))}
    named |= {name.replace("_", "-"): value for name, value in headers.items()}
    if request_id:
        named["x-amzn-RequestId"] = request_id
    lines = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return f"HTTP/1.1 {status} Some Reason\r\n{lines}\r\n".encode() + content


@contextmanager
def serving(tls: ssl.SSLContext | None = None) -> Iterator[ScriptedServer]:
    with ScriptedServer(tls) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server
        finally:
            server.ended.set()
            server.shutdown()
            thread.join()


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with serving() as running:
        yield running


@pytest.fixture
def serve() -> Iterator[Callable[..., ScriptedServer]]:
    """Start another server; it ends with the test."""
    with ExitStack() as servers:
        yield lambda tls=None: servers.enter_context(serving(tls))


def _config(**changes: Any) -> Config:
    settings = {"connect_timeout": 5, "read_timeout": 30, "tcp_keepalive": True, **changes}
    return Config(
        retries={"mode": "standard", "total_max_attempts": 3}, user_agent="blackcat/1.2.3", **settings
    )


@pytest.fixture
def stock() -> Callable[..., Any]:
    """A boto3 client as Blackcat makes it, for any address."""

    def client(url: str, **changes: Any) -> Any:
        return botocore.session.get_session().create_client(
            "sqs",
            region_name=REGION,
            endpoint_url=url,
            aws_access_key_id="AKIDEXAMPLE",
            aws_secret_access_key="secret",
            config=_config(**changes),
        )

    return client


@pytest.fixture
def slept() -> list[float]:
    """How long the lean transport would have waited before each retry."""
    return []


@pytest.fixture
def lean(stock: Callable[..., Any], slept: list[float]) -> Callable[..., LeanSqs]:
    """The lean transport for any address; it does not wait before a retry."""

    def client(
        url: str,
        *,
        credentials: Any = Credentials("AKIDEXAMPLE", "secret"),  # noqa: B008 - it never changes
        ca_bundle: str | None = None,
        **changes: Any,
    ) -> LeanSqs:
        return LeanSqs(
            url,
            region=REGION,
            credentials=credentials,
            config=_config(**changes),
            ca_bundle=ca_bundle,
            stock=lambda: stock(url, **changes),
            sleep=slept.append,
        )

    return client
