"""The health server: tells probes over HTTP whether the process does its work."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from blackcat.application.checks import Health
from blackcat.application.events import EventLog
from blackcat.domain.health import HealthReport
from blackcat.errors import ConfigurationError

log = EventLog("blackcat.health")

# A probe sends a line and a few headers; whoever takes longer holds a thread for nothing.
_REQUEST_SECONDS = 5
_PAUSE_SECONDS = 0.1


@dataclass(frozen=True)
class Reply:
    """What the health server answers on a path."""

    status: int
    body: bytes
    content_type: str = "application/json"


Paths = Mapping[str, Callable[[], Reply]]


def health_paths(health: Health) -> dict[str, Callable[[], Reply]]:
    """The three probes, by path; what else is to be served is one more entry."""
    return {
        "/health": lambda: _report(health.overall()),
        "/health/live": lambda: _report(health.live()),
        "/health/ready": lambda: _report(health.ready()),
    }


def _report(report: HealthReport) -> Reply:
    return _json(report.status_code, report.as_json())


def _json(status: int, content: Mapping[str, Any]) -> Reply:
    return Reply(status, json.dumps(content, default=str).encode())


class _HealthServer(ThreadingHTTPServer):
    def __init__(self, listener: socket.socket, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(listener.getsockname()[:2], handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        # The inherited one looks its own name up in the DNS, which may hang.
        self.server_name = str(self.server_address[0])
        self.server_port = int(self.server_address[1])

    def get_request(self) -> Any:
        try:
            return super().get_request()
        except BlockingIOError:  # another process that serves the same address was faster
            raise
        except OSError:  # out of descriptors: the connection waits, and the next try would come at once
            time.sleep(_PAUSE_SECONDS)
            raise

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A probe that went away is not worth a traceback on standard error."""


@contextmanager
def health_server(paths: Paths, *, host: str, port: int) -> Iterator[int]:
    """Answer GET and HEAD on these paths meanwhile, 404 on any other; yields the port.

    Port 0 takes any free one; the ``health.listening`` line names it. Raises ConfigurationError when
    the address cannot be taken.
    """
    with served(listening(host, port), paths) as taken:
        log.info("health.listening", host=host, port=taken)
        yield taken


def listening(host: str, port: int) -> socket.socket:
    """The socket for ``served``. Raises ConfigurationError when the address cannot be taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        raise ConfigurationError(
            f"the health server cannot listen on {host}:{port} ({error}): set HEALTH_HOST and HEALTH_PORT "
            "to a free address, or HEALTH_PORT=0 for any free port"
        ) from error


@contextmanager
def served(listener: socket.socket, paths: Paths) -> Iterator[int]:
    """The same on a socket that listens already: processes that were forked since may share it."""
    # One that was slower than another must not wait for the next connection.
    listener.setblocking(False)
    server = _HealthServer(listener, _handler(paths))
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, name="health", daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


def _reply(paths: Paths, path: str) -> Reply:
    if path not in paths:
        return _json(404, {"paths": list(paths)})
    try:
        return paths[path]()
    except Exception as error:  # whatever it is: who asks is told, and the log says why
        log.error("health.not_answered", error=error, path=path)
        return _json(500, {"error": "not answered: see the log"})


def _handler(paths: Paths) -> type[BaseHTTPRequestHandler]:
    class HealthHandler(BaseHTTPRequestHandler):
        timeout = _REQUEST_SECONDS
        protocol_version = "HTTP/1.1"
        server_version = "blackcat"
        sys_version = ""

        def do_GET(self) -> None:
            path = self.path.partition("?")[0].rstrip("/")
            self._answer(_reply(paths, path))

        do_HEAD = do_GET  # noqa: N815 - the name that http.server calls

        def _answer(self, reply: Reply) -> None:
            self.send_response(reply.status)
            self.send_header("Content-Type", reply.content_type)
            self.send_header("Content-Length", str(len(reply.body)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(reply.body)

        def log_message(self, format: str, *args: Any) -> None:
            """Probes come every few seconds: they are not logged."""

    return HealthHandler
