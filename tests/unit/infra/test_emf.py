"""CloudWatch's embedded metric format, against the schema and the rules of AWS's specification.

emf_schema.json is the schema at the end of
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
What its prose says beyond that is checked in ``valid``.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from datetime import datetime, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from blackcat.domain.metric import MAX_LABELS, MAX_VALUE
from blackcat.infra.metrics.emf import MAX_BYTES, MAX_DIMENSION, MAX_METRICS, MAX_VALUES, EmfMetrics

NOW = datetime(2030, 1, 1, 12, 0, 0, 250_000, tzinfo=timezone.utc)
SCHEMA = Draft7Validator(json.loads((Path(__file__).parent / "emf_schema.json").read_text()))
CLOUDWATCH_BYTES = 256 * 1024


class Emf:
    def __init__(self, *, high_resolution=False):
        self.lines = []
        self.metrics = EmfMetrics(
            namespace="Shop",
            dimensions={"service": "orders", "environment": "prod"},
            high_resolution=high_resolution,
            write=self.lines.append,
            now=lambda: NOW,
        )

    def flushed(self):
        self.metrics.flush()
        taken, self.lines[:] = list(self.lines), []
        return [valid(line) for line in taken]


@pytest.fixture
def emf():
    return Emf()


def refuse(constant):
    raise AssertionError(f"{constant} is no JSON")


def valid(line):
    document = json.loads(line, parse_constant=refuse)
    SCHEMA.validate(document)
    assert line.isascii()
    assert "\n" not in line
    assert len(line) < CLOUDWATCH_BYTES
    for directive in document["_aws"]["CloudWatchMetrics"]:
        assert len(directive["Metrics"]) <= MAX_METRICS
        names = [metric["Name"] for metric in directive["Metrics"]]
        assert len(set(names)) == len(names)
        for dimensions in directive["Dimensions"]:
            assert not set(dimensions) & set(names)
            assert all(document[key].strip() for key in dimensions)
        for name in names:
            check_value(document[name])
    return document


def check_value(value):
    if not isinstance(value, dict):
        assert isinstance(value, int | float)
        return
    assert len(value["Values"]) == len(value["Counts"]) <= MAX_VALUES
    assert all(count > 0 for count in value["Counts"])
    assert sum(value["Counts"]) == value["Count"]
    assert all(value["Min"] * 0.999_99 <= one <= value["Max"] * 1.000_01 for one in value["Values"])


def definitions(document):
    return {one["Name"]: one for one in document["_aws"]["CloudWatchMetrics"][0]["Metrics"]}


def test_a_line_reads_as_a_line_of_the_log_too(emf):
    emf.metrics.count("orders", method="card")
    (document,) = emf.flushed()
    assert document["_aws"]["Timestamp"] == 1893499200250
    assert document["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "Shop"
    assert document["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["service", "environment", "method"]]
    assert (document["service"], document["environment"], document["method"]) == ("orders", "prod", "card")
    assert (document["event"], document["level"]) == ("metrics", "info")
    assert document["timestamp"] == "2030-01-01T12:00:00.250Z"
    assert document["orders"] == 1


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("took_seconds", "Seconds"),
        ("took_milliseconds", "Milliseconds"),
        ("body_bytes", "Bytes"),
        ("used_percent", "Percent"),
        ("hit_ratio", "None"),
        ("open_orders", "None"),
    ],
)
def test_the_name_tells_the_unit(emf, name, unit):
    emf.metrics.gauge(name, 1)
    (document,) = emf.flushed()
    assert definitions(document)[name]["Unit"] == unit


def test_what_is_counted_has_the_unit_count_unless_its_name_says_another(emf):
    emf.metrics.count("orders")
    emf.metrics.count("sent_bytes", 10)
    (document,) = emf.flushed()
    assert {name: one["Unit"] for name, one in definitions(document).items()} == {
        "orders": "Count",
        "sent_bytes": "Bytes",
    }


def test_high_resolution_is_said_of_each_metric():
    emf = Emf(high_resolution=True)
    emf.metrics.count("orders")
    (document,) = emf.flushed()
    assert definitions(document)["orders"]["StorageResolution"] == 1


def test_metrics_of_the_same_labels_share_a_line(emf):
    for name in ("orders", "refunds"):
        emf.metrics.count(name, method="card")
        emf.metrics.count(name)
    assert len(emf.flushed()) == 2


def test_a_line_fits_into_a_pipe_in_one_piece_however_much_is_recorded(emf):
    for number in range(250):
        emf.metrics.count(f"counted_{number}")
    for number in range(10):
        for value in range(1, 2000):
            emf.metrics.observe(f"took_{number}_seconds", value / 100)
    emf.metrics.flush()
    assert all(len(line) < MAX_BYTES for line in emf.lines)
    documents = [valid(line) for line in emf.lines]
    names = [name for document in documents for name in definitions(document)]
    assert len(set(names)) == len(names) == 260


def test_the_longest_labels_make_a_line_that_cloudwatch_takes(emf):
    labels = {f"label_{number}": "\N{GRINNING FACE}" * MAX_VALUE for number in range(MAX_LABELS)}
    emf.metrics.count("orders", **labels)
    (document,) = emf.flushed()
    assert len(document["_aws"]["CloudWatchMetrics"][0]["Dimensions"][0]) == 30
    assert all(len(document[name]) <= MAX_DIMENSION for name in labels)


def test_a_distribution_over_all_magnitudes_has_a_hundred_values_and_all_its_counts(emf):
    values = [10 ** (power / 30) for power in range(-200, 260)]
    for value in values:
        emf.metrics.observe("took_seconds", value)
    (document,) = emf.flushed()
    found = document["took_seconds"]
    assert found["Count"] == len(values)
    assert math.isclose(found["Sum"], sum(values))
    assert (found["Min"], found["Max"]) == (pytest.approx(min(values)), pytest.approx(max(values)))


def test_a_value_alone_is_told_exactly(emf):
    emf.metrics.observe("took_seconds", 0.0)
    emf.metrics.observe("waited_seconds", 0.123)
    (document,) = emf.flushed()
    assert document["took_seconds"]["Values"] == [0]
    assert document["waited_seconds"]["Values"] == [0.123]


def test_what_did_not_change_is_not_written_again_but_gauges_are(emf):
    emf.metrics.count("orders")
    emf.metrics.observe("took_seconds", 1)
    emf.metrics.gauge("open", 2)
    emf.flushed()
    (document,) = emf.flushed()
    assert set(definitions(document)) == {"open"}


def test_nothing_recorded_writes_nothing(emf):
    emf.metrics.count("Not A Name")
    emf.metrics.gauge("balance", float("nan"))
    assert emf.flushed() == []


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b_seconds", "c_bytes"]),
            st.sampled_from(["card", "pix", "é"]),
            st.floats(min_value=0, max_value=9e14),
        ),
        min_size=1,
        max_size=60,
    ),
    st.integers(1, 5),
)
def test_over_any_number_of_flushes_the_numbers_add_up(recorded, every):
    emf = Emf()
    documents = []
    counted, observed = Counter(), Counter()
    for number, (name, label, value) in enumerate(recorded):
        emf.metrics.count(f"n_{name}", value, label=label)
        emf.metrics.observe(name, value, label=label)
        counted[name] += value
        observed[name] += 1
        if number % every == 0:
            documents += emf.flushed()
    documents += emf.flushed()
    for name in counted:
        assert math.isclose(
            sum(one.get(f"n_{name}", 0) for one in documents), counted[name], rel_tol=1e-9, abs_tol=1e-9
        )
        spreads = [one[name] for one in documents if name in one]
        assert sum(spread["Count"] for spread in spreads) == observed[name]
        for spread in spreads:
            told = sum(value * count for value, count in zip(spread["Values"], spread["Counts"], strict=True))
            assert told == pytest.approx(spread["Sum"], rel=0.07, abs=1e-9 * spread["Count"])


def test_long_labels_leave_a_distribution_fewer_values_so_that_its_line_stays_whole(emf):
    labels = {f"label_{number}": "v" * MAX_VALUE for number in range(10)}
    for power in range(100):
        emf.metrics.observe("took_seconds", 1.3**power * 1e-9, **labels)
    emf.metrics.flush()
    (line,) = emf.lines
    assert len(line) < MAX_BYTES
    assert valid(line)["took_seconds"]["Count"] == 100


@pytest.mark.parametrize("values", [(1e9, 2e9, 1e12), (2e-9, 4e-8, 1e-7)])
def test_large_and_small_values_are_told_apart(emf, values):
    for value in values:
        emf.metrics.observe("sent_bytes", value)
    (document,) = emf.flushed()
    assert document["sent_bytes"]["Values"] == [pytest.approx(value, rel=0.07) for value in values]


def test_what_one_flush_could_not_write_the_next_one_does(emf):
    written = []

    def full(line):
        if len(written) == 1:
            raise OSError("no space left on device")
        written.append(line)

    emf.metrics.count("orders", 2, method="card")
    emf.metrics.count("orders", 3, method="pix")
    emf.metrics.observe("took_seconds", 1)
    emf.metrics.watch(totals=lambda: {"done": 4}, gauges=dict)
    write, emf.metrics._write = emf.metrics._write, full
    with pytest.raises(OSError, match="no space"):
        emf.metrics.flush()
    emf.metrics._write = write
    documents = [valid(line) for line in written] + emf.flushed()
    assert sum(one.get("orders", 0) for one in documents) == 5
    assert sum(one.get("done", 0) for one in documents) == 4
    assert sum(one["took_seconds"]["Count"] for one in documents if "took_seconds" in one) == 1
    assert emf.flushed() == []
