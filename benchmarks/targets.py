"""The targets, each with what was measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from figures import Figure, Results, calls, cpu, memory, rate, start

PEERS = ("celery", "celery8", "dramatiq", "dramatiq8")
_NOT_MEASURED = "not measured"


@dataclass(frozen=True)
class Target:
    """A row of the table: what stock client and lean transport have to reach."""

    text: str
    stock: str
    lean: str
    measured: Callable[[Results, str, str], str]


def targets(results: Results) -> str:
    lines = ["| | stock boto3 client | lean transport |", "| --- | --- | --- |"]
    for target in _targets():
        cells = [
            f"{wanted}: {target.measured(results, key, wanted)}"
            for key, wanted in (("blackcat", target.stock), ("lean", target.lean))
        ]
        lines.append(f"| {target.text} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _targets() -> Iterator[Target]:
    yield Target("messages per second, no added latency", "≥ 0.9", "≥ 2.5", _ratio(rate, 0.0))
    yield Target("CPU seconds per 1,000 messages, no added latency", "≤ 1.2", "≤ 0.45", _ratio(cpu, 0.0))
    yield Target("messages per second at 10 ms, default settings", "≥ 2", "≥ 2", _ratio(rate, 0.01))
    yield Target("the same with concurrency 80", "≥ 6", "≥ 12", _ratio(rate, 0.01, "80"))
    for latency, text in ((0.0, "no added latency"), (0.01, "10 ms")):
        subject = f"times the best Celery or Dramatiq, messages per second, {text}"
        yield Target(subject, "≥ 4", "≥ 10", _beside_peers(latency, ""))
    subject = "the same at 10 ms with concurrency 80"
    yield Target(subject, "≥ 4", "≥ 10", _beside_peers(0.01, "80"))
    yield Target("calls per message under load, no added latency", "≤ 0.21", "≤ 0.21", _value(calls, 0.0))
    yield Target("calls per message under load, 10 ms", "≤ 0.21", "≤ 0.21", _value(calls, 0.01))
    yield Target("long polls at a time, idle", "≤ 1", "≤ 1", _polls)
    yield Target("peak memory, MB above the floor", "≤ 15", "≤ 5", _above_floor)
    yield Target("process start to first message", "≤ 1.3", "≤ 0.8", _ratio(start, 0.0))
    yield Target("SIGTERM under load: messages left hidden", "≤ 0", "≤ 0", _hidden)
    yield Target("SIGTERM under load: seconds to exit, of trivial handlers", "≤ 1", "≤ 1", _exit)


def verdict(value: float | None, wanted: str, digits: int = 2) -> str:
    if value is None:
        return _NOT_MEASURED
    sign, limit = wanted.split()
    # Compared as it is printed: a figure that reads 0.90 has met 0.9.
    met = round(value, digits) >= float(limit) if sign == "≥" else round(value, digits) <= float(limit)
    return f"{value:.{digits}f} **{'met' if met else 'missed'}**"


def _ratio(figure: Figure, latency: float, suffix: str = "") -> Callable[[Results, str, str], str]:
    return lambda results, key, wanted: verdict(results.ratio(key + suffix, "floor", latency, figure), wanted)


def _value(figure: Figure, latency: float) -> Callable[[Results, str, str], str]:
    return lambda results, key, wanted: verdict(results.median(key, latency, figure), wanted)


def _beside_peers(latency: float, suffix: str) -> Callable[[Results, str, str], str]:
    def measured(results: Results, key: str, wanted: str) -> str:
        ratios = [results.ratio(key + suffix, peer, latency, rate) for peer in PEERS]
        found = [ratio for ratio in ratios if ratio is not None]
        return verdict(min(found), wanted) if found else _NOT_MEASURED

    return measured


def _polls(results: Results, key: str, wanted: str) -> str:
    idle = results.idle.get(key)
    return verdict(idle.polls_at_once if idle else None, wanted, 0)


def _above_floor(results: Results, key: str, wanted: str) -> str:
    mine, floor = (results.median(name, 0.0, memory) for name in (key, "floor"))
    return verdict(None if mine is None or floor is None else mine - floor, wanted, 1)


def _hidden(results: Results, key: str, wanted: str) -> str:
    hidden = [stop.hidden for (name, _), stops in results.stops.items() if name == key for stop in stops]
    return verdict(max(hidden, default=None), wanted, 0)


def _exit(results: Results, key: str, wanted: str) -> str:
    took = [stop.seconds for (name, _), stops in results.stops.items() if name == key for stop in stops]
    return verdict(max(took, default=None), wanted)
