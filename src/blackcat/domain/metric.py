"""What a metric may be called, and how the distribution of its values is kept."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import fsum, inf
from typing import Literal

from blackcat.errors import MetricError

Kind = Literal["counter", "gauge", "distribution"]
Labels = tuple[tuple[str, str], ...]

# What Prometheus and CloudWatch both take; service and environment are two of CloudWatch's 30 dimensions.
# https://prometheus.io/docs/concepts/data_model/
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html
_NAME = re.compile(r"[a-z][a-z0-9_]{0,199}")
MAX_LABELS = 28
# CloudWatch takes more; whatever is longer is a text or an id, and no label.
MAX_VALUE = 250
# CloudWatch's own limit is 2 ** 360.
MOST = 1e100
TAKES = "counts and observations are finite numbers that are not negative, a gauge is any finite number"
# Printable, in any script: what is not would end or garble a line.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
# What a line of CloudWatch's format and Prometheus itself have under these names already.
_RESERVED = {"service", "environment", "version", "event", "level", "timestamp", "le", "quantile", "worker"}
# Prometheus adds these.
_SUFFIXES = ("_total", "_count", "_sum", "_bucket", "_created", "_info")


def checked(name: str, labels: Mapping[str, str]) -> Labels:
    """The labels in their order. Raises MetricError."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise MetricError(
            f"metric {name!r}: a name is lower case letters, digits and underscores, such as orders_placed"
        )
    if name in _RESERVED:
        raise MetricError(f"metric '{name}': the name is taken; choose another one")
    if suffix := next(filter(name.endswith, _SUFFIXES), ""):
        raise MetricError(f"metric '{name}': leave out '{suffix}'; Prometheus adds such endings itself")
    if len(labels) > MAX_LABELS:
        raise MetricError(f"metric '{name}' has {len(labels)} labels; at most {MAX_LABELS} can be kept")
    for label, value in labels.items():
        _check_label(name, label, value)
    return tuple(sorted(labels.items()))


def _check_label(metric: str, label: str, value: str) -> None:
    if not _NAME.fullmatch(label):
        raise MetricError(
            f"metric '{metric}', label {label!r}: a name is lower case letters, digits and underscores"
        )
    if label in _RESERVED or label == metric:
        raise MetricError(f"metric '{metric}', label '{label}': the name is taken; choose another one")
    if not isinstance(value, str):
        raise MetricError(
            f"metric '{metric}', label '{label}': a {type(value).__name__} is no text; write it as one, "
            "and never an id"
        )
    if not value.strip():
        raise MetricError(f"metric '{metric}', label '{label}' is empty: give it a word, such as 'none'")
    if len(value) > MAX_VALUE or _CONTROL.search(value):
        raise MetricError(
            f"metric '{metric}', label '{label}': a value is one line of up to {MAX_VALUE} characters, "
            "one of few that it can have"
        )


def as_number(value: object, least: float) -> float | None:
    """The value as a finite number from ``least`` on; None when it is none."""
    try:
        number = float(value)  # type: ignore[arg-type]  # whatever it is: a number, or an error
    except (TypeError, ValueError, OverflowError):
        return None
    return number if least <= number <= MOST else None


def _bounds() -> tuple[float, ...]:
    # The Renard series R20 (ISO 3): steps of some 12 %, and 1, 2, 2.5 and 5 are among them.
    below_two = ("1", "1.12", "1.25", "1.4", "1.6", "1.8")
    below_five = ("2", "2.24", "2.5", "2.8", "3.15", "3.55", "4", "4.5")
    steps = (*below_two, *below_five, "5", "5.6", "6.3", "7.1", "8", "9")
    return tuple(float(f"{step}e{power}") for power in range(-9, 15) for step in steps)


BOUNDS = _bounds()
"""The upper bounds, each included, of the steps in which values are counted: 1e-9 to 9e14."""


@dataclass(slots=True)
class Spread:
    """How many values fell on each step (by the index of its bound), their sum, the least and the most."""

    counts: dict[int, int] = field(default_factory=dict)
    sum: float = 0.0
    least: float = inf
    most: float = 0.0

    @property
    def count(self) -> int:
        return sum(self.counts.values())

    def plus(self, other: Spread) -> Spread:
        """Both together."""
        steps = self.counts.keys() | other.counts.keys()
        return Spread(
            counts={step: self.counts.get(step, 0) + other.counts.get(step, 0) for step in steps},
            sum=fsum((self.sum, other.sum)),
            least=min(self.least, other.least),
            most=max(self.most, other.most),
        )


@dataclass(frozen=True, slots=True)
class Measured:
    """One metric with one set of labels, as it stands: what was counted or observed in all so far."""

    name: str
    kind: Kind
    labels: Labels
    value: float | Spread
