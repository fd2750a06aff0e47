"""Prometheus' text format.

https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from blackcat.domain.metric import BOUNDS, Labels, Measured, Spread

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

# The bounds of a histogram, by the unit at the end of its name: 1, 2.5 and 5 times these powers of ten.
_POWERS = {"_seconds": range(-3, 4), "_ratio": range(-3, 1), "_milliseconds": range(7)}
_OTHERWISE = range(9)
_PROMETHEUS_KINDS = {"counter": "counter", "gauge": "gauge", "distribution": "histogram"}


def exposition(measured: Iterable[Measured], about: Mapping[str, str]) -> bytes:
    """A scrape's answer; ``about`` the service becomes the labels of ``blackcat_service_info``."""
    info = Measured("blackcat_service_info", "gauge", tuple(about.items()), 1)
    by_name: dict[str, list[Measured]] = {}
    for one in (info, *measured):
        by_name.setdefault(one.name, []).append(one)
    lines = (line for name, group in by_name.items() for line in _family(name, group))
    return "".join(f"{line}\n" for line in lines).encode()


def _family(name: str, group: list[Measured]) -> Iterator[str]:
    kind = group[0].kind
    full = f"{name}_total" if kind == "counter" else name
    yield f"# TYPE {full} {_PROMETHEUS_KINDS[kind]}"
    for one in group:
        if isinstance(one.value, Spread):
            yield from _histogram(name, one.labels, one.value)
        else:
            yield f"{full}{_labels(one.labels)} {_number(one.value)}"


def _histogram(name: str, labels: Labels, spread: Spread) -> Iterator[str]:
    steps = sorted(spread.counts.items())
    for bound in _bounds(name):
        below = sum(count for step, count in steps if step < len(BOUNDS) and BOUNDS[step] <= bound)
        yield f"{name}_bucket{_labels((*labels, ('le', _number(bound))))} {below}"
    yield f"{name}_bucket{_labels((*labels, ('le', '+Inf')))} {spread.count}"
    yield f"{name}_sum{_labels(labels)} {_number(spread.sum)}"
    yield f"{name}_count{_labels(labels)} {spread.count}"


def _bounds(name: str) -> Iterator[float]:
    powers = next((powers for suffix, powers in _POWERS.items() if name.endswith(suffix)), _OTHERWISE)
    for power in powers:
        yield from (float(f"{step}e{power}") for step in ("1", "2.5", "5"))


def _labels(labels: Labels) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) < 2**53 else repr(float(value))


def merged(parts: Iterable[Iterable[Measured]]) -> list[Measured]:
    """Several processes' numbers: counts and distributions added up, gauges as they are."""
    sums: dict[tuple[str, Labels], Measured] = {}
    for part in parts:
        for one in part:
            before = sums.get((one.name, one.labels))
            sums[one.name, one.labels] = _added(before, one) if before else one
    return list(sums.values())


def _added(one: Measured, other: Measured) -> Measured:
    if isinstance(one.value, Spread) and isinstance(other.value, Spread):
        return Measured(one.name, one.kind, one.labels, one.value.plus(other.value))
    if isinstance(one.value, Spread) or isinstance(other.value, Spread) or one.kind == "gauge":
        return other
    return Measured(one.name, one.kind, one.labels, one.value + other.value)
