"""What every backend of metrics does."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import pytest

from blackcat.application.metrics import Metrics


class Reading(Protocol):
    """What a backend has handed over up to now, in whatever form: read back by its test."""

    def value(self, name: str, /, **labels: str) -> float | None:
        """The sum of a counter, or what a gauge shows; None when there is none."""
        ...

    def spread(self, name: str, /, **labels: str) -> tuple[int, float] | None:
        """How many values a distribution has, and their sum."""
        ...


class MetricsContract:
    """Inherit it, and give the fixtures ``metrics``, a new backend, and ``read``, a Reading of it."""

    def test_counts_add_up(self, metrics: Metrics, read: Reading) -> None:
        metrics.count("orders")
        metrics.count("orders", 2.5)
        assert read.value("orders") == 3.5

    def test_what_was_handed_over_is_not_counted_again(self, metrics: Metrics, read: Reading) -> None:
        metrics.count("orders")
        metrics.flush()
        assert read.value("orders") == 1
        metrics.count("orders")
        metrics.flush()
        assert read.value("orders") == 2

    def test_label_sets_are_apart_whatever_their_order(self, metrics: Metrics, read: Reading) -> None:
        metrics.count("orders", method="card", country="br")
        metrics.count("orders", country="br", method="card")
        metrics.count("orders", country="br", method="pix")
        assert read.value("orders", method="card", country="br") == 2
        assert read.value("orders", method="pix", country="br") == 1

    @pytest.mark.parametrize("text", ["é 日本", 'a "quoted" \\ path', "/orders/<order_id>"])
    def test_a_label_is_any_line_of_text(self, metrics: Metrics, read: Reading, text: str) -> None:
        metrics.count("orders", route=text)
        assert read.value("orders", route=text) == 1

    def test_a_gauge_shows_what_was_measured_last(self, metrics: Metrics, read: Reading) -> None:
        metrics.gauge("balance", 10)
        metrics.gauge("balance", -2.5)
        assert read.value("balance") == -2.5

    def test_observations_have_a_number_and_a_sum(self, metrics: Metrics, read: Reading) -> None:
        for value in (0.0, 0.004, 1.5, 20_000, 3e9):
            metrics.observe("took_seconds", value)
        found = read.spread("took_seconds")
        assert found is not None
        assert (found[0], round(found[1], 3)) == (5, 3_000_020_001.504)

    def test_an_observer_is_the_same_as_to_observe(self, metrics: Metrics, read: Reading) -> None:
        observe = metrics.observer("took_seconds", step="pay")
        observe(1)
        metrics.observe("took_seconds", 2, step="pay")
        assert read.spread("took_seconds", step="pay") == (2, 3)

    def test_the_watched_are_asked_when_numbers_are_collected(self, metrics: Metrics, read: Reading) -> None:
        known = {"done": 1.0}
        metrics.watch(totals=lambda: known, gauges=lambda: {"open": 10 - known["done"]})
        metrics.flush()
        known["done"] = 4
        assert (read.value("done"), read.value("open")) == (4, 6)

    def test_threads_lose_nothing(self, metrics: Metrics, read: Reading) -> None:
        def work(number: int) -> None:
            for _ in range(500):
                metrics.count("orders", worker_name=str(number % 3))
                metrics.observe("took_seconds", 1)

        with ThreadPoolExecutor(6) as pool:
            list(pool.map(work, range(6)))
        assert [read.value("orders", worker_name=str(number)) for number in range(3)] == [1000, 1000, 1000]
        assert read.spread("took_seconds") == (3000, 3000)

    def test_nothing_recorded_is_nothing(self, metrics: Metrics, read: Reading) -> None:
        metrics.flush()
        assert read.value("orders") is None
