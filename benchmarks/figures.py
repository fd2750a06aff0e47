"""Figures of several rounds: medians, spread, and ratios to the floor of the same round."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from lineup import Contender
from measure import Idle, Run, Stop

Figure = Callable[[Run], float]


def rate(run: Run) -> float:
    return run.messages_per_second


def cpu(run: Run) -> float:
    return run.cpu_per_1000


def memory(run: Run) -> float:
    return run.peak_megabytes


def start(run: Run) -> float:
    return run.seconds_to_first


def calls(run: Run) -> float:
    return sum(run.calls_per_message.values())


@dataclass
class Results:
    """All that was measured; a contender that could not be measured has its reason instead."""

    contenders: Sequence[Contender]
    latencies: Sequence[float]
    runs: dict[tuple[str, float], list[Run]] = field(default_factory=dict)
    stops: dict[tuple[str, float], list[Stop]] = field(default_factory=dict)
    idle: Mapping[str, Idle] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    def of(self, key: str, latency: float) -> list[Run]:
        return self.runs.get((key, latency), [])

    def median(self, key: str, latency: float, figure: Figure) -> float | None:
        runs = self.of(key, latency)
        return median(map(figure, runs)) if runs else None

    def ratio(self, key: str, other: str, latency: float, figure: Figure) -> float | None:
        """The median of each round's ratio: what slows a whole round slows both."""
        pairs = list(zip(self.of(key, latency), self.of(other, latency), strict=False))
        return median(figure(mine) / figure(theirs) for mine, theirs in pairs) if pairs else None

    def measured(self, latency: float) -> list[Contender]:
        return [contender for contender in self.contenders if self.of(contender.key, latency)]


def spread(values: Sequence[float], digits: int = 0) -> str:
    """``median (least to most)``."""
    low, high = min(values), max(values)
    return f"{median(values):,.{digits}f} ({low:,.{digits}f} to {high:,.{digits}f})"
