"""The health server: tells a probe over HTTP whether the process does its work."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from threading import Thread
from typing import Any

from blackcat.application.events import EventLog
from blackcat.domain.health import HealthReport
from blackcat.errors import ConfigurationError

log = EventLog("blackcat.health")

# A probe sends a line and a few headers; whoever takes longer holds a thread for nothing.
_REQUEST_SECONDS = 5
_PAUSE_SECONDS = 0.1


class _HealthServer(ThreadingHTTPServer):
    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, handler)

    def server_bind(self) -> None:
        # The inherited one looks its own name up in the DNS, which may hang.
        TCPServer.server_bind(self)
        self.server_name = str(self.server_address[0])
        self.server_port = int(self.server_address[1])

    def get_request(self) -> Any:
        try:
            return super().get_request()
        except OSError:  # out of descriptors: the connection waits, and the next try would come at once
            time.sleep(_PAUSE_SECONDS)
            raise

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A probe that went away is not worth a traceback on standard error."""


@contextmanager
def health_server(report: Callable[[], HealthReport], *, host: str, port: int) -> Iterator[int]:
    """Serve ``GET /health`` (200 or 503 with the reasons as JSON) meanwhile; yields the port.

    Port 0 takes any free one; the ``health.listening`` line names it. Raises ConfigurationError when
    the address cannot be taken.
    """
    try:
        server = _HealthServer((host, port), _handler(report))
    except (OSError, OverflowError) as error:
        raise ConfigurationError(
            f"the health server cannot listen on {host}:{port} ({error}): set HEALTH_HOST and HEALTH_PORT "
            "to a free address, or HEALTH_PORT=0 for any free port"
        ) from error
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, name="health", daemon=True).start()
    log.info("health.listening", host=host, port=server.server_port)
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


def _handler(report: Callable[[], HealthReport]) -> type[BaseHTTPRequestHandler]:
    class HealthHandler(BaseHTTPRequestHandler):
        timeout = _REQUEST_SECONDS
        protocol_version = "HTTP/1.1"
        server_version = "blackcat"
        sys_version = ""

        def do_GET(self) -> None:
            if self.path.split("?")[0].rstrip("/") != "/health":
                self._answer(404, {"detail": "the health report is at /health"})
                return
            current = report()
            self._answer(current.status_code, current.as_json())

        do_HEAD = do_GET  # noqa: N815 - the name that http.server calls

        def _answer(self, status: int, content: dict[str, Any]) -> None:
            body = json.dumps(content, default=str).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Probes come every few seconds: they are not logged."""

    return HealthHandler
