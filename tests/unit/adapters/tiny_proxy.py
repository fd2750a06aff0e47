"""A proxy over real sockets: it leads everything to one server, and writes down what it was asked for."""

from __future__ import annotations

import http.client
import select
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.unit.adapters.aws_standin import served


class TinyProxy(ThreadingHTTPServer):
    """``asked`` has what each request wanted; ``passwords`` the Proxy-Authorization headers."""

    daemon_threads = True

    def __init__(self, port: int, tls: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_side=True)
        self.port = port
        self.asked: list[str] = []
        self.passwords: set[str] = set()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_port}"


class _Conversation(BaseHTTPRequestHandler):
    server: TinyProxy
    protocol_version = "HTTP/1.1"

    def do_CONNECT(self) -> None:
        self._note()
        self.send_response_only(200)
        self.end_headers()
        with socket.create_connection(("127.0.0.1", self.server.port)) as there:
            _joined(self.connection, there)
        self.close_connection = True

    def do_POST(self) -> None:
        self._note()
        body = self.rfile.read(int(self.headers["Content-Length"]))
        there = http.client.HTTPConnection("127.0.0.1", self.server.port)
        there.request("POST", "/", body, dict(self.headers.items()))
        with there.getresponse() as response:
            content = response.read()
            self.send_response_only(response.status)
            for name, value in response.getheaders():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)
        there.close()

    def _note(self) -> None:
        self.server.asked.append(self.path)
        self.server.passwords.add(self.headers.get("Proxy-Authorization", ""))

    def log_message(self, *args: object) -> None:
        """Stay quiet."""


def _joined(one: socket.socket, other: socket.socket) -> None:
    """Copies both ways until a side ends."""
    while True:
        # TLS may hold what it has read already, where select does not look.
        pending = isinstance(one, ssl.SSLSocket) and one.pending()
        ready = [one] if pending else select.select([one, other], [], [])[0]
        for source, target in ((one, other), (other, one)):
            if source in ready:
                data = source.recv(65_536)
                if not data:
                    return
                target.sendall(data)


@contextmanager
def tiny_proxy(port: int, tls: ssl.SSLContext | None = None) -> Iterator[TinyProxy]:
    """A proxy that leads to this port of the machine, whatever it is asked for."""
    with TinyProxy(port, tls) as server, served(server):
        yield server
