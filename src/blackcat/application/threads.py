"""Threads whose end is noticed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from blackcat.application.events import EventLog
from blackcat.application.shutdown import Shutdown
from blackcat.errors import ServiceFailed

log = EventLog("blackcat")


class Threads:
    """The threads of a service; one that dies of an exception takes the service down.

    They are daemons: a handler that never returns must not keep the process from ending.
    """

    def __init__(self, shutdown: Shutdown) -> None:
        self._shutdown = shutdown
        self._lock = threading.Lock()
        self._threads: dict[str, threading.Thread] = {}

    def start(self, name: str, target: Callable[[], None]) -> threading.Thread:
        thread = threading.Thread(target=self._supervised, args=(name, target), name=name, daemon=True)
        try:
            with self._lock:  # until it runs, it would pass for dead
                self._threads[name] = thread
                thread.start()
        except RuntimeError as error:
            raise ServiceFailed(
                f"thread '{name}' cannot be started ({error}): lower CONSUMER_CONCURRENCY, or raise the "
                "limits of memory and processes"
            ) from error
        return thread

    def join(self, prefix: str, timeout: float) -> None:
        """Wait for the threads whose names begin so, up to ``timeout`` seconds in all."""
        deadline = time.monotonic() + timeout
        for thread in self._named(prefix):
            thread.join(max(0.0, deadline - time.monotonic()))

    def states(self) -> dict[str, str]:
        """Each thread that has not ended as it should, by name: ``alive`` or ``died``."""
        with self._lock:
            return {name: "alive" if thread.is_alive() else "died" for name, thread in self._threads.items()}

    def _named(self, prefix: str) -> list[threading.Thread]:
        with self._lock:
            return [thread for name, thread in self._threads.items() if name.startswith(prefix)]

    def _supervised(self, name: str, target: Callable[[], None]) -> None:
        try:
            target()
            with self._lock:
                del self._threads[name]
        except BaseException as error:
            log.error("thread.died", error=error, thread=name)
            self._shutdown.request(f"thread '{name}' died", failure=error)
