"""Followers of leases: whoever keeps something of their own for as long as a message is held."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from queue import SimpleQueue

from blackcat.application.events import EventLog
from blackcat.domain.message import Lease

log = EventLog("blackcat.consumer")


class Followers:
    """Tells them of each extension, in a thread of its own: a slow store stops no heartbeat."""

    def __init__(self) -> None:
        self._extensions: SimpleQueue[tuple[Lease, timedelta] | None] = SimpleQueue()

    def tell(self, extensions: Iterable[tuple[Lease, timedelta]]) -> None:
        for lease, length in extensions:
            if lease.followed:
                self._extensions.put((lease, length))

    def run(self) -> None:
        while (extension := self._extensions.get()) is not None:
            lease, length = extension
            try:
                lease.extended(length)
            except Exception as error:
                log.error("lease.follower_failed", error=error)

    def close(self) -> None:
        self._extensions.put(None)
