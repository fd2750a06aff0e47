"""A MongoDB to test with: nx-27017 as a process, and in front of it what it lacks, users and TLS.

It stores documents in SQLite and speaks MongoDB's wire protocol.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bson import decode, encode

from blackcat.application.tied import tied
from blackcat.infra.free_ports import any_free_port
from tls_relay import HOST

_PROGRAM = Path(sys.executable).with_name("nx-27017")
INSTALLED = _PROGRAM.exists()
NOT_INSTALLED = "no MongoDB here: pip install nx-27017"

# https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/#op_msg
_OP_MSG = 2013
_HEADER = struct.Struct("<iiii")
_ITERATIONS = 4096
_START_SECONDS = 60


@contextlib.contextmanager
def running_mongo(folder: Path) -> Iterator[int]:
    """The port of an empty server without users."""
    port = any_free_port()
    log = folder / "mongo.log"
    command = [str(_PROGRAM), "--data-dir", "memory", "--host", HOST, "-p", str(port)]
    command += ["--pid-file", str(folder / "pid"), "--log-file", str(folder / "other.log")]
    with log.open("wb") as output:
        process = subprocess.Popen(tied(command), cwd=folder, stdout=output, stderr=output)
    try:
        deadline = time.monotonic() + _START_SECONDS
        while not _listens(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"MongoDB did not start:\n{log.read_text(errors='replace')}")
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(30)


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1):
        return True
    return False


class MongoUsers:
    """Lets in only who knows a password, by SCRAM-SHA-1, and passes on what they ask.

    ``passwords`` may be changed at any time; who is in stays in, as in MongoDB. ``kill`` ends all
    connections.

    https://github.com/mongodb/specifications/blob/master/source/auth/auth.md#scram-sha-1
    """

    def __init__(self, target: int, passwords: Mapping[str, str]) -> None:
        self.passwords = dict(passwords)
        self._target = target
        self._open: list[socket.socket] = []
        self._server = socket.create_server((HOST, 0))
        self.port: int = self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def connected(self) -> int:
        """How many connections there are now."""
        return len(self._open)

    def kill(self) -> None:
        for client in list(self._open):
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self.kill()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._server.accept()
                self._open.append(client)
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            with socket.create_connection((HOST, self._target)) as server, contextlib.suppress(OSError):
                conversation = _Scram(self.passwords)
                while request := _message(client):
                    answer = conversation.answer(request)
                    if answer is None:
                        server.sendall(request)
                        answer = _message(server)
                    client.sendall(answer)
        finally:
            self._open.remove(client)
            client.close()


class _Scram:
    """One connection's authentication: what the server says until it is done."""

    def __init__(self, passwords: Mapping[str, str]) -> None:
        self._passwords = passwords
        self._is_in = False
        self._user = ""
        self._said = b""
        self._nonce = b""
        self._salt = os.urandom(16)

    def answer(self, request: bytes) -> bytes | None:
        """None for what the database itself is to answer."""
        _, request_id, _, operation = _HEADER.unpack_from(request)
        if operation != _OP_MSG:
            return None  # a first hello
        asked = decode(request[_HEADER.size + 5 :][: struct.unpack_from("<i", request, _HEADER.size + 5)[0]])
        name = next(iter(asked))
        if name == "saslStart":
            return _reply(request_id, self._start(asked["payload"]))
        if name == "saslContinue":
            return _reply(request_id, self._finish(asked["payload"]))
        if self._is_in or name in ("hello", "isMaster", "ismaster"):
            return None
        return _reply(request_id, _failure(13, "Unauthorized", f"Command {name} requires authentication"))

    def _start(self, payload: bytes) -> dict[str, Any]:
        bare = payload.removeprefix(b"n,,")
        parts = _parts(bare)
        self._user, self._nonce = parts[b"n"].decode(), parts[b"r"] + base64.b64encode(os.urandom(12))
        first = b"r=%s,s=%s,i=%d" % (self._nonce, base64.b64encode(self._salt), _ITERATIONS)
        self._said = bare + b"," + first
        return {"ok": 1.0, "conversationId": 1, "done": False, "payload": first}

    def _finish(self, payload: bytes) -> dict[str, Any]:
        without_proof, _, proof = payload.rpartition(b",p=")
        said = self._said + b"," + without_proof
        known = f"{self._user}:mongo:{self._passwords.get(self._user, '')}".encode()
        digest = hashlib.md5(known, usedforsecurity=False).hexdigest()
        salted = hashlib.pbkdf2_hmac("sha1", digest.encode(), self._salt, _ITERATIONS)
        key = _hmac(salted, b"Client Key")
        signature = _hmac(hashlib.sha1(key, usedforsecurity=False).digest(), said)
        expected = bytes(a ^ b for a, b in zip(key, signature, strict=True))
        if self._user not in self._passwords or base64.b64decode(proof) != expected:
            return _failure(18, "AuthenticationFailed", "Authentication failed.")
        self._is_in = True
        server = base64.b64encode(_hmac(_hmac(salted, b"Server Key"), said))
        return {"ok": 1.0, "conversationId": 1, "done": True, "payload": b"v=" + server}


def _parts(text: bytes) -> dict[bytes, bytes]:
    return {part[:1]: part[2:] for part in text.split(b",")}


def _hmac(key: bytes, text: bytes) -> bytes:
    return hmac.new(key, text, hashlib.sha1).digest()


def _failure(code: int, name: str, text: str) -> dict[str, Any]:
    return {"ok": 0.0, "errmsg": text, "code": code, "codeName": name}


def _message(source: socket.socket) -> bytes:
    """The next whole message; empty at the end."""
    header = source.recv(_HEADER.size, socket.MSG_WAITALL)
    if len(header) < _HEADER.size:
        return b""
    length = _HEADER.unpack(header)[0]
    return header + source.recv(length - _HEADER.size, socket.MSG_WAITALL)


def _reply(to: int, document: dict[str, Any]) -> bytes:
    body = struct.pack("<i", 0) + b"\0" + encode(document)
    return _HEADER.pack(_HEADER.size + len(body), 0, to, _OP_MSG) + body
