"""Numbers about what a service does: recorded anywhere in one line, kept by the backend of the process."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Mapping
from typing import Protocol

Numbers = Callable[[], Mapping[str, float]]
"""Values by name, asked for whenever numbers are collected."""

# Objects that watch themselves and are made again and again while nothing is kept, as in tests.
_MAX_REMEMBERED = 1000


class Metrics(Protocol):
    """Where numbers go. A name says its unit as Prometheus has it: ``_seconds``, ``_bytes``, ``_ratio``.

    Labels are few and of few values (a route, an outcome): never an id. Nothing raises in production:
    what cannot be kept is told once in the log. ``InMemoryMetrics`` raises MetricError.
    """

    def count(self, name: str, value: float = 1, /, **labels: str) -> None:
        """Add to what was counted; ``value`` is not negative."""
        ...

    def gauge(self, name: str, value: float, /, **labels: str) -> None:
        """What is measured now: the next one replaces it."""
        ...

    def observe(self, name: str, value: float, /, **labels: str) -> None:
        """One of many values, of which the distribution matters; not negative."""
        ...

    def observer(self, name: str, /, **labels: str) -> Callable[[float], None]:
        """``observe`` with name and labels looked up once: for what happens thousands of times a second."""
        ...

    def watch(self, *, totals: Numbers, gauges: Numbers) -> None:
        """Ask these for totals that only grow, and for what is now, whenever numbers are collected.

        What a source leaves out ends: a gauge that is not known is not told. Of two sources with the
        same name the later one counts.
        """
        ...

    def flush(self) -> None:
        """Hand over what was recorded: at a stop, and at the end of each invocation on Lambda."""
        ...


class NoMetrics:
    """Keeps nothing."""

    def count(self, name: str, value: float = 1, /, **labels: str) -> None: ...

    def gauge(self, name: str, value: float, /, **labels: str) -> None: ...

    def observe(self, name: str, value: float, /, **labels: str) -> None: ...

    def observer(self, name: str, /, **labels: str) -> Callable[[float], None]:
        return _ignore

    def watch(self, *, totals: Numbers, gauges: Numbers) -> None: ...

    def flush(self) -> None: ...


class ProcessMetrics:
    """The metrics of this process under a common prefix: silent until a backend is chosen, as logs are."""

    def __init__(self, prefix: str = "") -> None:
        self._prefix = prefix

    @property
    def enabled(self) -> bool:
        """False while nothing is kept: then what costs to measure need not be measured."""
        return _process.enabled

    def use(self, backend: Metrics) -> None:
        """From now on numbers go there, whatever their prefix."""
        _process.choose(backend)

    def count(self, name: str, value: float = 1, /, **labels: str) -> None:
        _process.backend.count(self._prefix + name, value, **labels)

    def gauge(self, name: str, value: float, /, **labels: str) -> None:
        _process.backend.gauge(self._prefix + name, value, **labels)

    def observe(self, name: str, value: float, /, **labels: str) -> None:
        _process.backend.observe(self._prefix + name, value, **labels)

    def observer(self, name: str, /, **labels: str) -> Callable[[float], None]:
        """May be asked for at any time, also before a backend is chosen."""
        name = self._prefix + name
        looked_up = _process.backend, _process.backend.observer(name, **labels)

        def observe(value: float) -> None:
            nonlocal looked_up
            if looked_up[0] is not (backend := _process.backend):
                looked_up = backend, backend.observer(name, **labels)
            looked_up[1](value)

        return observe

    def watch(self, *, totals: Numbers, gauges: Numbers) -> None:
        """May be called at any time: what is watched before a backend is chosen is asked once it is."""
        _process.watch(self._prefixed(totals), self._prefixed(gauges))

    def flush(self) -> None:
        _process.backend.flush()

    def _prefixed(self, numbers: Numbers) -> Numbers:
        return lambda: {self._prefix + name: value for name, value in numbers().items()}


class _Process:
    """The backend that was chosen, and what was watched before."""

    def __init__(self) -> None:
        self._remembered: deque[tuple[Numbers, Numbers]] = deque(maxlen=_MAX_REMEMBERED)
        self.silence()

    def choose(self, backend: Metrics) -> None:
        self.backend = backend
        self.enabled = not isinstance(backend, NoMetrics)
        for totals, gauges in tuple(self._remembered):
            backend.watch(totals=totals, gauges=gauges)

    def watch(self, totals: Numbers, gauges: Numbers) -> None:
        if not self.enabled:
            self._remembered.append((totals, gauges))
        self.backend.watch(totals=totals, gauges=gauges)

    def silence(self) -> None:
        self.choose(NoMetrics())


def _ignore(value: float) -> None:
    """An observer while nothing is kept."""


_process = _Process()
# A copy of the process would hand over its parent's numbers again, under locks that nobody holds there.
os.register_at_fork(after_in_child=_process.silence)

metrics = ProcessMetrics(prefix="blackcat_")
"""Blackcat's own."""

project_metrics = ProcessMetrics()
"""The project's, as ``blackcat.metrics``."""
