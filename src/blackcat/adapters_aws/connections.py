"""Connections to an endpoint, kept alive between requests."""

from __future__ import annotations

import contextlib
import ssl
from collections import deque
from http.client import HTTPException

from botocore.exceptions import BotoCoreError, ConnectionClosedError, ReadTimeoutError, SSLError
from urllib3.connection import HTTPConnection
from urllib3.util.connection import is_connection_dropped

from blackcat.adapters_aws.http_replies import Reply, read_reply
from blackcat.adapters_aws.routes import Route


class Connections:
    """As many connections as threads exchange at once; up to ``kept`` of them wait for the next request."""

    def __init__(self, route: Route, *, read_timeout: float, kept: int) -> None:
        self._route = route
        self._read_timeout = read_timeout
        self._kept = kept
        self._idle: deque[HTTPConnection] = deque()

    def exchange(self, request: bytes) -> Reply:
        """The reply to a request. Raises what botocore raises when none comes whole."""
        connection = self._idle_one() or self._opened()
        try:
            reply = _exchanged(connection, request)
        except (OSError, HTTPException) as error:
            connection.close()
            raise self._unanswered(error) from error
        except BaseException:
            connection.close()  # its reply may still come, and would be taken for another's
            raise
        if reply.last or len(self._idle) >= self._kept:
            connection.close()
        else:
            self._idle.append(connection)
        return reply

    def _idle_one(self) -> HTTPConnection | None:
        # The one used last: the others may rest until their server closes them.
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return None
            if not is_connection_dropped(connection):
                return connection
            connection.close()

    def _opened(self) -> HTTPConnection:
        connection = self._route.open()
        connection.sock.settimeout(self._read_timeout)
        return connection

    def _unanswered(self, error: Exception) -> BotoCoreError:
        if isinstance(error, ssl.SSLError):
            return SSLError(endpoint_url=self._route.url, error=error)
        if isinstance(error, TimeoutError):
            return ReadTimeoutError(endpoint_url=self._route.url, error=error)
        return ConnectionClosedError(endpoint_url=self._route.url, error=error)


def _exchanged(connection: HTTPConnection, request: bytes) -> Reply:
    with contextlib.suppress(BrokenPipeError):  # refused while it was being sent: the reply says why
        connection.sock.sendall(request)
    return read_reply(connection.sock)
