"""How near a process is to the memory that it may use; beyond it the kernel kills without a word."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Thread
from typing import Any

from blackcat.application.events import EventLog
from blackcat.application.metrics import metrics
from blackcat.infra.platform.cgroup import ControlGroups

log = EventLog("blackcat")

_LOOK_SECONDS = 10.0
_NEAR = 0.9
# Told again only after it was clearly less: around the limit it would be a line at each look.
_CLEAR = 0.8
_MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class MemoryUse:
    """Bytes in use, and how many may be: of the container when it is ``limited``, else of the machine.

    Without a limit only this one process is counted.
    """

    used: int
    limit: int
    limited: bool

    @property
    def ratio(self) -> float:
        return self.used / self.limit if self.limited else 0.0

    def fields(self) -> dict[str, Any]:
        return {"memory_used_bytes": self.used, "memory_limit_bytes": self.limit}


class ContainerMemory:
    """Reads the memory of this container; ``task_limit`` is one that its control groups do not show."""

    def __init__(self, groups: ControlGroups, *, task_limit: int | None = None) -> None:
        self._groups = groups
        limits = [limit for limit in (groups.memory_limit(), task_limit) if limit]
        machine = groups.machine_memory()
        self._limited = bool(limits)
        self._limit = min([*limits, machine] if machine else limits, default=None)

    @property
    def limit(self) -> int | None:
        """Bytes; None where nothing tells (on macOS, say)."""
        return self._limit

    def use(self) -> MemoryUse | None:
        """None where nothing tells."""
        used = self._groups.memory_used() if self._limited else self._groups.resident()
        return MemoryUse(used, self._limit, self._limited) if used and self._limit else None


class MemoryWatch:
    """Gauges for what is used, and a line when that comes near the limit."""

    def __init__(self, read: Callable[[], MemoryUse | None]) -> None:
        self._read = read
        self._is_near = False

    def look(self) -> None:
        use = self._read()
        if use is None:
            return
        for name, value in use.fields().items():
            metrics.gauge(name, value)
        if not self._is_near and use.ratio >= _NEAR:
            self._is_near = True
            log.warning("memory.near_limit", reason=_told(use), **use.fields())
        elif self._is_near and use.ratio < _CLEAR:
            self._is_near = False
            log.info("memory.eased", **use.fields())


@contextmanager
def watched_memory(memory: ContainerMemory) -> Iterator[None]:
    """Look every ten seconds meanwhile, in a thread of its own."""
    watch = MemoryWatch(memory.use)
    closed = Event()

    def run() -> None:
        watch.look()
        while not closed.wait(_LOOK_SECONDS):
            watch.look()

    Thread(target=run, name="memory", daemon=True).start()
    try:
        yield
    finally:
        closed.set()


def _told(use: MemoryUse) -> str:
    used, limit = use.used // _MEBIBYTE, use.limit // _MEBIBYTE
    return (
        f"{used} of {limit} MiB are used; at the limit the kernel kills the process (exit status 137): give "
        "it more memory, or fewer things at once (CONSUMER_CONCURRENCY, API_THREADS, API_WORKERS)"
    )
