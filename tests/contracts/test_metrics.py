"""Every backend of metrics against the one suite."""

from __future__ import annotations

import json
from datetime import datetime, timezone

import pytest
from prometheus_client.parser import text_string_to_metric_families

from blackcat.application.recorder import Recorder
from blackcat.domain.metric import Spread
from blackcat.infra.metrics.board import Board
from blackcat.infra.metrics.emf import EmfMetrics
from blackcat.infra.metrics.prometheus import exposition, merged
from blackcat.testing import InMemoryMetrics
from blackcat.testing.contracts import MetricsContract


class RecorderReading:
    def __init__(self, recorder):
        self._recorder = recorder

    def _found(self, name, labels):
        kept = {(one.name, one.labels): one.value for one in self._recorder.collected()}
        return kept.get((name, tuple(sorted(labels.items()))))

    def value(self, name, /, **labels):
        return self._found(name, labels)

    def spread(self, name, /, **labels):
        found = self._found(name, labels)
        return (found.count, found.sum) if isinstance(found, Spread) else None


class TestRecorder(MetricsContract):
    @pytest.fixture
    def metrics(self):
        return Recorder()

    @pytest.fixture
    def read(self, metrics):
        return RecorderReading(metrics)


class InMemoryReading:
    def __init__(self, metrics):
        self._metrics = metrics

    def value(self, name, /, **labels):
        gauged = self._metrics.gauged(name, **labels)
        return None if gauged is None and not self._metrics.counted(name) else self._value(name, labels)

    def _value(self, name, labels):
        is_gauge = name in ("balance", "open")
        return (self._metrics.gauged if is_gauge else self._metrics.counted)(name, **labels)

    def spread(self, name, /, **labels):
        values = self._metrics.observed(name, **labels)
        return len(values), sum(values)


class TestInMemoryMetrics(MetricsContract):
    @pytest.fixture
    def metrics(self):
        return InMemoryMetrics()

    @pytest.fixture
    def read(self, metrics):
        return InMemoryReading(metrics)


class EmfReading:
    """What CloudWatch would make of the lines: values of the same dimensions belong together."""

    def __init__(self, metrics, lines):
        self._metrics = metrics
        self._lines = lines

    def _values(self, name, labels):
        self._metrics.flush()
        texts = {label: text.encode("ascii", "backslashreplace").decode() for label, text in labels.items()}
        for line in map(json.loads, self._lines):
            (directive,) = line["_aws"]["CloudWatchMetrics"]
            ((*_, _), *others) = directive["Dimensions"]
            assert not others
            dimensions = {key: line[key] for key in directive["Dimensions"][0] if key != "service"}
            if dimensions == texts and name in line:
                (unit,) = (one["Unit"] for one in directive["Metrics"] if one["Name"] == name)
                yield unit, line[name]

    def value(self, name, /, **labels):
        found = list(self._values(name, labels))
        if not found:
            return None
        is_counter = found[0][0] == "Count"
        return sum(value for _, value in found) if is_counter else found[-1][1]

    def spread(self, name, /, **labels):
        found = [value for _, value in self._values(name, labels)]
        return sum(value["Count"] for value in found), sum(value["Sum"] for value in found)


class TestEmf(MetricsContract):
    @pytest.fixture
    def lines(self):
        return []

    @pytest.fixture
    def metrics(self, lines):
        return EmfMetrics(
            namespace="Shop",
            dimensions={"service": "orders"},
            high_resolution=False,
            write=lines.append,
            now=lambda: datetime(2030, 1, 1, tzinfo=timezone.utc),
        )

    @pytest.fixture
    def read(self, metrics, lines):
        return EmfReading(metrics, lines)


class ScrapeReading:
    """What Prometheus' own parser makes of a scrape."""

    def __init__(self, scrape):
        self._scrape = scrape

    def _samples(self, labels):
        families = text_string_to_metric_families(self._scrape().decode())
        samples = [sample for family in families for sample in family.samples]
        return {sample.name: sample.value for sample in samples if sample.labels == labels}

    def value(self, name, /, **labels):
        samples = self._samples(labels)
        return samples.get(f"{name}_total", samples.get(name))

    def spread(self, name, /, **labels):
        samples = self._samples(labels)
        return samples[f"{name}_count"], samples[f"{name}_sum"]


class TestPrometheus(MetricsContract):
    @pytest.fixture
    def metrics(self):
        return Recorder()

    @pytest.fixture
    def read(self, metrics):
        return ScrapeReading(lambda: exposition(metrics.collected(), {"service": "orders"}))


class TestPrometheusOfSeveralWorkers(MetricsContract):
    """As one of three workers: through the shared memory, beside two that have nothing to tell."""

    @pytest.fixture
    def metrics(self):
        return Recorder()

    @pytest.fixture
    def read(self, metrics):
        board = Board(3)

        def scrape():
            board.write(1, metrics.collected())
            text = exposition(merged(board.read_all()), {"service": "orders"}).decode()
            return text.replace('{worker="1"}', "").encode()

        return ScrapeReading(scrape)
