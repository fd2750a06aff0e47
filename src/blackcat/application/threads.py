"""Threads whose end is noticed."""

from __future__ import annotations

import threading
from collections.abc import Callable

from blackcat.application.events import EventLog
from blackcat.application.shutdown import Shutdown

log = EventLog(__name__)


class Threads:
    """The threads of a service; one that dies of an exception takes the service down.

    They are daemons: a handler that never returns must not keep the process from ending.
    """

    def __init__(self, shutdown: Shutdown) -> None:
        self._shutdown = shutdown
        self._threads: dict[str, threading.Thread] = {}

    def start(self, name: str, target: Callable[[], None]) -> threading.Thread:
        thread = threading.Thread(target=self._supervised, args=(name, target), name=name, daemon=True)
        self._threads[name] = thread
        thread.start()
        return thread

    def states(self) -> dict[str, str]:
        """Each thread by name: ``alive`` or ``ended``."""
        return {name: "alive" if thread.is_alive() else "ended" for name, thread in self._threads.items()}

    def _supervised(self, name: str, target: Callable[[], None]) -> None:
        try:
            target()
        except BaseException as error:
            log.error("thread.died", error=error, thread=name)
            self._shutdown.request(f"thread '{name}' died", failure=error)
