"""Metrics in memory, to assert on what was recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from threading import Lock
from types import TracebackType

from blackcat.application.metrics import NoMetrics, Numbers, project_metrics
from blackcat.domain.metric import MOST, TAKES, Kind, as_number, checked
from blackcat.errors import MetricError


class InMemoryMetrics:
    """Keeps every value. What no backend could keep raises MetricError instead of a line in the log.

    Used as a context manager it is what ``blackcat.metrics``, and Blackcat itself, record in meanwhile;
    Blackcat's own names begin with ``blackcat_``.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._kinds: dict[str, Kind] = {}
        self._values: list[tuple[str, dict[str, str], float]] = []
        self._sources: list[tuple[Kind, Numbers]] = []
        # Watched before, by modules and by objects of earlier tests: others may take their names.
        self._earlier = 0

    def __enter__(self) -> InMemoryMetrics:
        project_metrics.use(self)
        self._earlier = len(self._sources)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        project_metrics.use(NoMetrics())

    def count(self, name: str, value: float = 1, /, **labels: str) -> None:
        self._keep("counter", name, value, 0, labels)

    def gauge(self, name: str, value: float, /, **labels: str) -> None:
        self._keep("gauge", name, value, -MOST, labels)

    def observe(self, name: str, value: float, /, **labels: str) -> None:
        self._keep("distribution", name, value, 0, labels)

    def observer(self, name: str, /, **labels: str) -> Callable[[float], None]:
        return lambda value: self.observe(name, value, **labels)

    def watch(self, *, totals: Numbers, gauges: Numbers) -> None:
        self._sources += [("counter", totals), ("gauge", gauges)]

    def flush(self) -> None:
        """Nothing to hand over."""

    def counted(self, name: str, /, **labels: str) -> float:
        """The sum of what was counted under that name and at least these labels; 0 when nothing was."""
        watched = {} if labels else self._watched("counter")
        return sum(self._matching(name, labels)) + watched.get(name, 0)

    def gauged(self, name: str, /, **labels: str) -> float | None:
        """What was measured last under that name and at least these labels; None when nothing was."""
        if not labels and name in (watched := self._watched("gauge")):
            return watched[name]
        return next(reversed(list(self._matching(name, labels))), None)

    def observed(self, name: str, /, **labels: str) -> list[float]:
        """All values that were observed under that name and at least these labels, in their order."""
        return list(self._matching(name, labels))

    def _keep(self, kind: Kind, name: str, value: float, least: float, labels: Mapping[str, str]) -> None:
        number = self._number(kind, name, value, least, labels)
        with self._lock:
            self._values.append((name, dict(labels), number))

    def _number(self, kind: Kind, name: str, value: object, least: float, labels: Mapping[str, str]) -> float:
        checked(name, labels)
        if (number := as_number(value, least)) is None:
            raise MetricError(f"metric '{name}' does not take {value!r}: {TAKES}")
        with self._lock:
            if self._kinds.setdefault(name, kind) != kind:
                raise MetricError(f"metric '{name}' is a {self._kinds[name]}: give this one another name")
        return number

    def _watched(self, wanted: Kind) -> dict[str, float]:
        told: dict[str, float] = {}
        told_now: set[str] = set()
        least = 0 if wanted == "counter" else -MOST
        for position, (kind, numbers) in enumerate(tuple(self._sources)):
            if kind != wanted:
                continue
            its = {name: self._number(kind, name, value, least, {}) for name, value in numbers().items()}
            if twice := told_now & its.keys():
                raise MetricError(f"metric '{twice.pop()}' is watched twice: give one of them another name")
            if position >= self._earlier:
                told_now |= its.keys()
            told |= its
        return told

    def _matching(self, name: str, labels: Mapping[str, str]) -> Iterator[float]:
        with self._lock:
            kept = list(self._values)
        return (value for other, its, value in kept if other == name and labels.items() <= its.items())
