"""One question to an HTTP endpoint beside this process, whatever that answers, and however slowly."""

from __future__ import annotations

import socket
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection
from threading import Thread
from urllib.parse import urlsplit

_LONGEST_ANSWER = 1_000_000


class AnswerError(Exception):
    """No whole answer came in time, or none that is HTTP, or there is no such address."""


@dataclass(frozen=True)
class Answer:
    """An answer of any status."""

    status: int
    body: bytes


def ask(url: str, *, seconds: float, method: str = "GET", body: bytes | None = None) -> Answer:
    """The answer of a server that takes no more than ``seconds`` for all of it; 1 MB of its body at most.

    Nothing of the environment's proxies: they could not reach an address that is this machine's own.
    Raises AnswerError and nothing else.
    """
    exchange = _Exchange(url, seconds, method, body)
    # The timeout of a socket is for each receive: a server that drips would never exceed it.
    thread = Thread(target=exchange.run, name="local-http", daemon=True)
    thread.start()
    thread.join(seconds)
    result = exchange.result
    exchange.end()
    if isinstance(result, Answer):
        return result
    if result is None or isinstance(result, TimeoutError):
        raise AnswerError(f"no whole answer within {seconds:g} seconds")
    raise AnswerError(str(result) or type(result).__name__) from result


class _Exchange:
    def __init__(self, url: str, seconds: float, method: str, body: bytes | None) -> None:
        self.result: Answer | Exception | None = None
        self._url, self._seconds = url, seconds
        self._method, self._body = method, body
        self._socket: socket.socket | None = None
        self._ended = False

    def run(self) -> None:
        try:
            self.result = self._answered()
        except Exception as error:  # of whatever kind: an odd address, header, length or line
            self.result = error

    def end(self) -> None:
        """Let the thread end too, if it still reads."""
        self._ended = True
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def _answered(self) -> Answer:
        where = urlsplit(self._url)
        if where.scheme != "http" or not where.hostname:
            raise ValueError("this is no address that begins with http://")
        connection = HTTPConnection(where.hostname, where.port, timeout=self._seconds)
        connection.connect()
        self._socket = connection.sock
        with connection.sock:
            if self._ended:
                raise TimeoutError
            headers = {"Content-Type": "application/json"} if self._body else {}
            connection.request(self._method, where.path or "/", body=self._body, headers=headers)
            response = connection.getresponse()
            return Answer(response.status, response.read(_LONGEST_ANSWER))
