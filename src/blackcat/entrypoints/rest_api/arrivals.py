"""What clients are still sending, and until when: a thread that reads from a socket waits without a limit.

The socket's own timeout ends a silence only; a client that sends a byte now and then would hold a thread
for as long as it likes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from socket import SHUT_RD, socket
from types import TracebackType


class Arrivals:
    """One per worker: threads say what they wait for, the loop ends what takes too long.

    Its end is the end of the stream: the thread that reads goes on.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._until: dict[socket, float] = {}

    def expect(self, connection: socket, seconds: float) -> None:
        self._until[connection] = self._now() + seconds

    def expect_by(self, connection: socket, until: float) -> None:
        self._until[connection] = until

    def expect_at_the_latest(self, until: float) -> None:
        """Give all that is being waited for now no longer than this."""
        for connection, given in list(self._until.items()):
            if until < given and connection in self._until:
                self._until[connection] = until

    def arrived(self, connection: socket) -> bool:
        """Whether it came in time."""
        until = self._until.pop(connection, None)
        return until is None or self._now() < until

    def end_overdue(self) -> None:
        now = self._now()
        for connection, until in list(self._until.items()):
            if now >= until:
                with suppress(OSError):  # closed meanwhile
                    connection.shutdown(SHUT_RD)


class BodyArrival:
    """Around each read of one request's body; all of them together get ``seconds``.

    Raises TimeoutError when it took longer.
    """

    def __init__(self, arrivals: Arrivals, connection: socket, until: float) -> None:
        self._arrivals = arrivals
        self._connection = connection
        self._until = until

    def __enter__(self) -> None:
        self._arrivals.expect_by(self._connection, self._until)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._arrivals.arrived(self._connection):
            raise TimeoutError("the body took too long")
