"""Numbers kept in memory until they are collected."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from threading import Lock

from blackcat.application.events import EventLog
from blackcat.application.metrics import Numbers
from blackcat.domain.metric import (
    BOUNDS,
    MOST,
    TAKES,
    Kind,
    Labels,
    Measured,
    Spread,
    as_number,
    checked,
)
from blackcat.errors import MetricError

log = EventLog("blackcat.metrics")

# Each set of labels is a time series that CloudWatch bills and Prometheus keeps: more is a mistake.
MAX_LABEL_SETS = 1000
OTHER = "other"
# Names are written in the code; more of them are made of something that should be a label, or nothing.
_MAX_NAMES = 1000
_MAX_WARNINGS = 100


class Recorder:
    """The numbers of a process. They are either collected, as they stand, or taken, which starts them anew.

    What cannot be kept is told once in the log and left out: a number never fails a message. Beyond
    1,000 sets of labels the rest of a metric is kept under ``other``. The values of labels go through
    ``masked`` when a set of them is first seen. Safe to share between threads.
    """

    def __init__(self, *, masked: Callable[[str], str] = str) -> None:
        self._masked = masked
        self._lock = Lock()
        self._series: dict[tuple[object, ...], _Series] = {}
        self._kept: dict[tuple[str, Labels], _Series] = {}
        self._kinds: dict[str, Kind] = {}
        self._label_sets: Counter[str] = Counter()
        self._sources: list[tuple[Kind, Numbers]] = []
        self._totals: dict[str, _Total] = {}
        self._asking = Lock()
        self._told: dict[str, set[str]] = {}

    def count(self, name: str, value: float = 1, /, **labels: str) -> None:
        if (series := self._of("counter", name, labels)) is not None:
            series.add(value)

    def gauge(self, name: str, value: float, /, **labels: str) -> None:
        if (series := self._of("gauge", name, labels)) is not None:
            series.put(value)

    def observe(self, name: str, value: float, /, **labels: str) -> None:
        if (series := self._of("distribution", name, labels)) is not None:
            series.observe(value)

    def observer(self, name: str, /, **labels: str) -> Callable[[float], None]:
        series = self._of("distribution", name, labels)
        return series.observe if series is not None else lambda value: None

    def watch(self, *, totals: Numbers, gauges: Numbers) -> None:
        self._sources += [("counter", totals), ("gauge", gauges)]

    def flush(self) -> None:
        """Nothing to hand over: whoever wants the numbers collects them."""

    def fits(self, kind: Kind, name: str, labels: Labels) -> bool:
        """Whether there is room for one more set of labels."""
        return True

    def collected(self) -> list[Measured]:
        """All numbers since the start."""
        with self._lock:
            kept = [
                Measured(name, one.kind, labels, one.value()) for (name, labels), one in self._kept.items()
            ]
        with self._asking:
            return kept + self._told_by_sources()

    def taken(self) -> list[Measured]:
        """What was counted and observed since the last time, and gauges as they are."""
        with self._asking:
            watched = list(self._taken_from_sources())
            with self._lock:
                kept = [
                    Measured(name, one.kind, labels, one.take())
                    for (name, labels), one in self._kept.items()
                    if one.changed
                ]
            return kept + watched

    def give_back(self, measured: Iterable[Measured]) -> None:
        """What was taken and could not be handed over: it is taken again the next time."""
        with self._asking, self._lock:
            for one in measured:
                if (series := self._kept.get((one.name, one.labels))) is not None:
                    series.give_back(one.value)
                elif one.name in self._totals and not isinstance(one.value, Spread):
                    self._totals[one.name].taken -= one.value

    def _taken_from_sources(self) -> Iterator[Measured]:
        for one in self._told_by_sources():
            if one.kind == "gauge":
                yield one
            elif grown := self._totals[one.name].take():
                yield replace(one, value=grown)

    def _told_by_sources(self) -> list[Measured]:
        told: list[Measured] = []
        for name, (kind, value) in self._asked().items():
            try:
                told.append(self._watched(kind, name, value))
            except MetricError as error:
                self._warn("watched", str(error), about=str(name))
        return told

    def _asked(self) -> dict[str, tuple[Kind, object]]:
        asked: dict[str, tuple[Kind, object]] = {}
        for kind, numbers in tuple(self._sources):
            try:
                told = dict(numbers())
            except Exception as error:
                self._warn("source", "a source of numbers failed", error=error)
                continue
            for name in asked.keys() & told.keys():
                self._warn("twice", f"metric '{name}' is watched twice: the later one counts")
            asked.update((name, (kind, value)) for name, value in told.items())
        return asked

    def _watched(self, kind: Kind, name: str, value: object) -> Measured:
        checked(name, {})
        with self._lock:
            self._claim(kind, name)
            if (name, ()) in self._kept:
                raise MetricError(f"metric '{name}' is recorded and watched: give one of them another name")
        if (number := as_number(value, -MOST if kind == "gauge" else 0)) is None:
            raise MetricError(f"metric '{name}' does not take {value!r}: {TAKES}")
        if kind == "gauge":
            return Measured(name, kind, (), number)
        total = self._totals.setdefault(name, _Total())
        if number < total.told:
            self._warn("fell", f"metric '{name}' is watched as a total, and fell: it goes on from there")
        return Measured(name, kind, (), total.grow(number))

    def _of(self, kind: Kind, name: str, labels: dict[str, str]) -> _Series | None:
        try:
            series = self._series.get((kind, name, *labels.items()))
            return series if series is not None else self._opened(kind, name, labels)
        except (MetricError, TypeError) as error:
            self._warn("name", str(error))
            return None

    def _opened(self, kind: Kind, name: str, labels: dict[str, str]) -> _Series:
        ordered = tuple((label, self._masked(value)) for label, value in checked(name, labels))
        as_given = (kind, name, *labels.items())
        with self._lock:
            self._claim(kind, name)
            if (series := self._kept.get((name, ordered))) is None:
                if self._label_sets[name] >= MAX_LABEL_SETS or not self.fits(kind, name, ordered):
                    return self._other(kind, name, ordered)
                series = self._kept[name, ordered] = _Series(kind, self._lock, self._refused(name))
                self._label_sets[name] += 1
            self._series[as_given] = series
            return series

    def _claim(self, kind: Kind, name: str) -> None:
        if self._kinds.get(name, kind) != kind:
            raise MetricError(f"metric '{name}' is a {self._kinds[name]} already: give this one another name")
        if name not in self._kinds and len(self._kinds) >= _MAX_NAMES:
            raise MetricError(f"there are {_MAX_NAMES} metrics already: no more are kept")
        self._kinds[name] = kind

    def _other(self, kind: Kind, name: str, ordered: Labels) -> _Series:
        reason = (
            f"metric '{name}' has too many sets of labels ({self._label_sets[name]}): the rest is '{OTHER}'"
        )
        self._warn("sets", reason, about=name)
        rest = tuple((label, OTHER) for label, _ in ordered)
        if (series := self._kept.get((name, rest))) is None:
            series = self._kept[name, rest] = _Series(kind, self._lock, self._refused(name))
        return series

    def _refused(self, name: str) -> Callable[[object], None]:
        return lambda value: self._warn(
            "value", f"metric '{name}' does not take {value!r}: {TAKES}", about=name
        )

    def _warn(
        self, mistake: str, reason: str, *, about: str = "", error: BaseException | None = None
    ) -> None:
        """Tell it once; many of one mistake leave the others their turn."""
        told = self._told.setdefault(mistake, set())
        if (key := about or reason) not in told and len(told) < _MAX_WARNINGS:
            told.add(key)
            log.warning("metrics.not_kept", reason=reason, error=error)


@dataclass(slots=True)
class _Total:
    """A total that a project counts itself. It never falls: a source that begins anew is added on top."""

    before: float = 0.0
    told: float = 0.0
    taken: float = 0.0

    def grow(self, told: float) -> float:
        if told < self.told:
            self.before += self.told
        self.told = told
        return self.before + told

    def take(self) -> float:
        taken, self.taken = self.taken, self.before + self.told
        return self.taken - taken


class _Series:
    """One metric with one set of labels."""

    __slots__ = ("_lock", "_refuse", "_spread", "_value", "changed", "kind")

    def __init__(self, kind: Kind, lock: Lock, refuse: Callable[[object], None]) -> None:
        self.kind = kind
        self.changed = False
        self._lock = lock
        self._refuse = refuse
        self._value = 0.0
        self._spread = Spread()

    def add(self, value: float) -> None:
        if (number := as_number(value, 0)) is None:
            self._refuse(value)
            return
        with self._lock:
            self._value += number
            self.changed = True

    def put(self, value: float) -> None:
        if (number := as_number(value, -MOST)) is None:
            self._refuse(value)
            return
        self._value = number
        self.changed = True

    def observe(self, value: float) -> None:
        if (number := as_number(value, 0)) is None:
            self._refuse(value)
            return
        step = bisect_left(BOUNDS, number)
        with self._lock:
            spread = self._spread
            spread.counts[step] = spread.counts.get(step, 0) + 1
            spread.sum += number
            if number > spread.most:
                spread.most = number
            if number < spread.least:
                spread.least = number
            self.changed = True

    def value(self) -> float | Spread:
        if self.kind != "distribution":
            return self._value
        return replace(self._spread, counts=dict(self._spread.counts))

    def take(self) -> float | Spread:
        if self.kind == "gauge":  # it stays what it is
            return self._value
        self.changed = False
        if self.kind == "counter":
            taken, self._value = self._value, 0.0
            return taken
        spread, self._spread = self._spread, Spread()
        return spread

    def give_back(self, value: float | Spread) -> None:
        if self.kind == "gauge":
            return
        self.changed = True
        if isinstance(value, Spread):
            self._spread = self._spread.plus(value)
        else:
            self._value += value
