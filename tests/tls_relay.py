"""TLS in front of a server that speaks none, and faults between it and its clients."""

from __future__ import annotations

import contextlib
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

HOST = "127.0.0.1"
# How a client of PostgreSQL asks for TLS: https://www.postgresql.org/docs/current/protocol-message-formats.html
_SSL_REQUEST = bytes.fromhex("0000000804d2162f")


def certificate(folder: Path, *, names: str = f"IP:{HOST},DNS:localhost") -> tuple[Path, Path]:
    """A new one for these names, which is its own authority, and its key."""
    made, key = folder / "server.crt", folder / "server.key"
    command = ["openssl", "req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    command += ["-addext", f"subjectAltName={names}"]
    subprocess.run([*command, "-keyout", str(key), "-out", str(made)], check=True, capture_output=True)
    return made, key


class Relay:
    """Passes on what comes to ``port``; with a certificate, what comes over TLS.

    It counts the connections that it ``accepted`` and the bytes that it ``passed`` on. While it is ``silent``
    it takes connections and data, and passes nothing on; ``cut`` ends all connections.
    """

    def __init__(self, target: int, *, tls: tuple[Path, Path] | None = None, postgres: bool = False) -> None:
        self.silent = False
        self.accepted = 0
        self.passed = 0
        self._target = target
        self._postgres = postgres
        self._context = _context(*tls) if tls else None
        self._open: list[socket.socket] = []
        self._server = socket.create_server((HOST, 0))
        self.port: int = self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        while self._open:
            end = self._open.pop()
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            self.accepted += 1
            self._open.append(client)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            secured = self._secured(client)
            server = socket.create_connection((HOST, self._target))
        except OSError:
            client.close()
            return
        with contextlib.suppress(OSError):
            self._open += [secured, server]
            threading.Thread(target=self._pass_on, args=(server, secured), daemon=True).start()
            self._pass_on(secured, server)

    def _secured(self, client: socket.socket) -> socket.socket:
        if self._context is None:
            return client
        if self._postgres:
            if client.recv(8, socket.MSG_WAITALL) != _SSL_REQUEST:
                client.close()  # a server that insists on TLS
            client.sendall(b"S")
        return self._context.wrap_socket(client, server_side=True)

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if not self.silent:
                    self.passed += len(data)
                    target.sendall(data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def relay(target: int, *, tls: tuple[Path, Path] | None = None, postgres: bool = False) -> Iterator[Relay]:
    running = Relay(target, tls=tls, postgres=postgres)
    try:
        yield running
    finally:
        running.close()


def _context(made: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made, key)
    return context
