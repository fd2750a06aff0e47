"""Connections whose last answer is sent, until their clients close them too.

A socket that is closed with unread bytes resets the connection, and the end of the answer may be lost with
it (RFC 9112, section 9.6). So each is closed for writing first, and what still comes is thrown away.
Gunicorn does so in the worker's one loop and waits there; this does it from the loop without waiting.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from selectors import EVENT_READ, BaseSelector
from socket import SHUT_WR, socket

# What a client is given to close its side; gunicorn's own figures.
_SECONDS = 2.0
_MOST_BYTES = 65_536
# More than this are not waited for: the oldest is closed.
_MOST_CONNECTIONS = 256


class Lingering:
    """One per worker, used by its loop only; ``closed`` is called once for every connection given."""

    def __init__(
        self, poller: BaseSelector, closed: Callable[[], None], now: Callable[[], float] = time.monotonic
    ) -> None:
        self._poller = poller
        self._closed = closed
        self._now = now
        self._until: dict[socket, float] = {}  # in the order of their deadlines
        self._drained: dict[socket, int] = {}

    def add(self, connection: socket) -> None:
        """Close it for writing, and entirely once the client has, at the latest in two seconds."""
        try:
            connection.setblocking(False)
            connection.shutdown(SHUT_WR)
            self._poller.register(connection, EVENT_READ, self._drain)
        except (OSError, ValueError, KeyError):  # the client is gone already
            connection.close()
            self._closed()
            return
        self._until[connection] = self._now() + _SECONDS
        self._drained[connection] = 0
        if len(self._until) > _MOST_CONNECTIONS:
            self._end(next(iter(self._until)))

    def __len__(self) -> int:
        return len(self._until)

    def end_overdue(self) -> None:
        now = self._now()
        while self._until:
            connection, until = next(iter(self._until.items()))
            if until > now:
                return
            self._end(connection)

    def _drain(self, connection: socket) -> None:
        if connection not in self._until:  # ended earlier in the same turn of the loop
            return
        try:
            count = len(connection.recv(_MOST_BYTES))
        except BlockingIOError:
            return
        except OSError:
            count = 0
        self._drained[connection] += count
        if not count or self._drained[connection] >= _MOST_BYTES:
            self._end(connection)

    def _end(self, connection: socket) -> None:
        del self._until[connection], self._drained[connection]
        self._poller.unregister(connection)
        connection.close()
        self._closed()
