"""CloudWatch's embedded metric format: lines on standard output that CloudWatch Logs turns into metrics.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import json
import select
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from blackcat.application.recorder import Recorder
from blackcat.domain.metric import BOUNDS, Labels, Measured, Spread
from blackcat.infra.logs.lines import iso_timestamp
from blackcat.infra.logs.logs import write_line
from blackcat.infra.redaction import redactor
from blackcat.infra.settings.configuration import Settings

MAX_METRICS = 100
MAX_VALUES = 100
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_Dimension.html
MAX_DIMENSION = 1024
# CloudWatch Logs takes 256 KB and more. Up to this a pipe takes a line in one piece, so that those of
# several processes do not mix; and container runtimes cut lines at 16 KB.
MAX_BYTES = select.PIPE_BUF
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html
_UNITS = {
    "_seconds": "Seconds",
    "_milliseconds": "Milliseconds",
    "_bytes": "Bytes",
    "_percent": "Percent",
}
_LEAST = 1e-100
# CloudWatch keeps minutes, or with high resolution seconds.
_MINUTE = 60


def emf_metrics(service: str, settings: Settings) -> EmfMetrics:
    """Lines among those of the log, as the settings say; each flush writes some."""
    return EmfMetrics(
        namespace=settings.metrics_namespace,
        dimensions={"service": service, "environment": settings.environment},
        high_resolution=settings.metrics_interval_seconds < _MINUTE,
        write=write_line,
        now=lambda: datetime.now(timezone.utc),
        masked=redactor.text,
    )


class EmfMetrics(Recorder):
    """Numbers as lines: each flush writes what was recorded since the last one, and gauges as they are.

    ``dimensions`` stand before a metric's own labels. With ``high_resolution`` CloudWatch keeps single
    seconds for three hours, else minutes.
    """

    def __init__(
        self,
        *,
        namespace: str,
        dimensions: Mapping[str, str],
        high_resolution: bool,
        write: Callable[[str], None],
        now: Callable[[], datetime],
        masked: Callable[[str], str] = str,
    ) -> None:
        super().__init__(masked=masked)
        self._namespace = namespace
        self._dimensions = dimensions
        self._high_resolution = high_resolution
        self._write = write
        self._now = now

    def flush(self) -> None:
        """Raises what writing raises; what was not written by then stands in the lines of the next flush."""
        left = {(one.name, one.labels): one for one in self.taken()}
        try:
            for line, group in self._all_lines(tuple(left.values()), self._now()):
                self._write(line)
                for one in group:
                    del left[one.name, one.labels]
        finally:
            self.give_back(left.values())

    def _all_lines(
        self, taken: Iterable[Measured], now: datetime
    ) -> Iterator[tuple[str, Sequence[Measured]]]:
        by_labels: dict[Labels, list[Measured]] = {}
        for measured in taken:
            by_labels.setdefault(measured.labels, []).append(measured)
        for labels, group in by_labels.items():
            yield from self._lines(group, {**self._dimensions, **_ascii(labels)}, now)

    def _lines(
        self, group: Sequence[Measured], dimensions: Mapping[str, str], now: datetime
    ) -> Iterator[tuple[str, Sequence[Measured]]]:
        """Each line with the metrics that stand in it."""
        line = self._line(group, dimensions, now)
        if len(group) == 1:
            values = MAX_VALUES
            while len(line) >= MAX_BYTES and (values := values // 2):
                line = self._line(group, dimensions, now, values)
            yield line, group
        elif len(group) <= MAX_METRICS and len(line) < MAX_BYTES:
            yield line, group
        else:
            half = len(group) // 2
            yield from self._lines(group[:half], dimensions, now)
            yield from self._lines(group[half:], dimensions, now)

    def _line(
        self,
        group: Iterable[Measured],
        dimensions: Mapping[str, str],
        now: datetime,
        values: int = MAX_VALUES,
    ) -> str:
        return json.dumps(self._document(group, dimensions, now, values), separators=(",", ":"))

    def _document(
        self, group: Iterable[Measured], dimensions: Mapping[str, str], now: datetime, values: int
    ) -> dict[str, Any]:
        directive = {
            "Namespace": self._namespace,
            "Dimensions": [list(dimensions)],
            "Metrics": [self._definition(one) for one in group],
        }
        return {
            "_aws": {"Timestamp": int(now.timestamp() * 1000), "CloudWatchMetrics": [directive]},
            # What every line of the log has.
            "timestamp": iso_timestamp(now),
            "level": "info",
            "event": "metrics",
            **dimensions,
            **{one.name: _value(one.value, values) for one in group},
        }

    def _definition(self, one: Measured) -> dict[str, Any]:
        definition: dict[str, Any] = {"Name": one.name, "Unit": _unit(one)}
        return {**definition, "StorageResolution": 1} if self._high_resolution else definition


def _unit(one: Measured) -> str:
    otherwise = "Count" if one.kind == "counter" else "None"
    return next((unit for suffix, unit in _UNITS.items() if one.name.endswith(suffix)), otherwise)


def _ascii(labels: Labels) -> dict[str, str]:
    """CloudWatch takes no other characters in a dimension's value, and no more of them."""
    return {
        name: value.encode("ascii", "backslashreplace").decode()[:MAX_DIMENSION] for name, value in labels
    }


def _value(value: float | Spread, most: int) -> Any:
    """A distribution as AWS's own exporters write it, which the specification leaves out.

    https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/exporter/awsemfexporter
    """
    if not isinstance(value, Spread):
        return _plain(value)
    values = _few(value, most)
    return {
        "Values": [_plain(one, digits=6) for one, _ in values],
        "Counts": [count for _, count in values],
        "Min": _plain(value.least),
        "Max": _plain(value.most),
        "Count": value.count,
        "Sum": _plain(value.sum),
    }


def _few(spread: Spread, most: int) -> list[tuple[float, int]]:
    """Values with their counts; of too many steps some neighbours together."""
    steps = sorted(spread.counts)
    together = -(-len(steps) // most)
    groups = [steps[first : first + together] for first in range(0, len(steps), together)]
    return [
        (_middle(group[0], group[-1], spread), sum(spread.counts[step] for step in group)) for group in groups
    ]


def _middle(first: int, last: int, spread: Spread) -> float:
    low = max(BOUNDS[first - 1] if first else 0.0, spread.least)
    high = min(BOUNDS[last] if last < len(BOUNDS) else spread.most, spread.most)
    return (low + high) / 2


def _plain(number: float, *, digits: int = 15) -> float:
    """As short as it can be told."""
    if number == int(number):
        return int(number)
    return float(f"{number:.{digits}g}") if abs(number) > _LEAST else 0
