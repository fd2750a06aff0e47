"""Parameters kept for a while."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import timedelta

from blackcat.application.ports import Clock, Parameter, ParameterStore

TTL = timedelta(minutes=5)


class CachedParameters:
    """A ParameterStore that asks another one once per ``ttl`` and name. Safe to share between threads."""

    def __init__(self, store: ParameterStore, *, clock: Clock, ttl: timedelta = TTL) -> None:
        self._store = store
        self._clock = clock
        self._ttl = ttl.total_seconds()
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, Parameter]] = {}

    def get(self, names: Sequence[str]) -> Mapping[str, Parameter]:
        with self._lock:
            now = self._clock.monotonic()
            fresh = {name: self._known[name][1] for name in names if self._is_fresh(name, now)}
            missing = [name for name in names if name not in fresh]
            found = self._store.get(missing) if missing else {}
            self._known |= {name: (now + self._ttl, one) for name, one in found.items()}
            return {**fresh, **found}

    def _is_fresh(self, name: str, now: float) -> bool:
        return name in self._known and now < self._known[name][0]
