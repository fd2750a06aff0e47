"""A load balancer as small as one can be: it asks each target whether it is ready, and keeps connections.

What a target fails to answer is a 502 here, without a second try, so that nothing stays hidden.
"""

from __future__ import annotations

import contextlib
import http.client
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any

_PROBE_SECONDS = 0.1


class Balancer:
    """Spreads requests over the ready ones of its targets (ports of this machine)."""

    def __init__(self) -> None:
        self.targets: list[int] = []
        self.failures: list[str] = []
        self._ready: list[int] = []
        self._turns = count()
        self._connections = threading.local()
        self._stopped = threading.Event()

    @contextlib.contextmanager
    def listening(self) -> Iterator[int]:
        server = _Server(("127.0.0.1", 0), _handler(self))
        threads = [
            threading.Thread(target=server.serve_forever, args=(0.1,)),
            threading.Thread(target=self._probe),
        ]
        for thread in threads:
            thread.start()
        try:
            yield server.server_address[1]
        finally:
            self._stopped.set()
            server.shutdown()
            server.server_close()
            for thread in threads:
                thread.join()

    def is_ready(self, port: int) -> bool:
        return port in self._ready

    def forward(self, path: str) -> tuple[int, bytes]:
        ready = self._ready
        if not ready:
            self.failures.append("no target is ready")
            return 503, b""
        port = ready[next(self._turns) % len(ready)]
        try:
            return self._answer(port, path)
        except (OSError, http.client.HTTPException) as error:
            self._kept().pop(port, None)
            self.failures.append(f"{port}: {error!r}")
            return 502, b""

    def _answer(self, port: int, path: str) -> tuple[int, bytes]:
        kept = self._kept()
        connection = kept.setdefault(port, http.client.HTTPConnection("127.0.0.1", port, timeout=60))
        connection.request("GET", path)
        answer = connection.getresponse()  # closes the connection when the answer says so
        return answer.status, answer.read()

    def _kept(self) -> dict[int, http.client.HTTPConnection]:
        kept: dict[int, http.client.HTTPConnection] = self._connections.__dict__.setdefault("kept", {})
        return kept

    def _probe(self) -> None:
        while not self._stopped.wait(_PROBE_SECONDS):
            self._ready = [port for port in list(self.targets) if _answers_ready(port)]


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away."""


def _answers_ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _handler(balancer: Balancer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # an answer in one piece

        def do_GET(self) -> None:
            status, body = balancer.forward(self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None: ...

    return Handler
