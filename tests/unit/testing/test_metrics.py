import subprocess
import sys

import pytest

from blackcat import metrics
from blackcat.application.metrics import metrics as own
from blackcat.errors import MetricError
from blackcat.testing import InMemoryMetrics


def confirm(method):
    """As a use case of a project's."""
    metrics.count("payments_confirmed", method=method, country="br")
    metrics.observe("payment_amount", 12.5, method=method)


def test_what_a_project_recorded_can_be_asked_for():
    with InMemoryMetrics() as recorded:
        confirm("card")
        confirm("pix")
        confirm("pix")
        own.gauge("queue_backlog", 3)
    assert recorded.counted("payments_confirmed") == 3
    assert recorded.counted("payments_confirmed", method="pix") == 2
    assert recorded.counted("payments_confirmed", method="boleto") == 0
    assert recorded.observed("payment_amount", method="card") == [12.5]
    assert recorded.gauged("blackcat_queue_backlog") == 3
    assert recorded.gauged("balance") is None


def test_afterwards_nothing_is_recorded():
    with InMemoryMetrics() as recorded:
        pass
    confirm("card")
    assert not metrics.enabled
    assert recorded.counted("payments_confirmed") == 0


@pytest.mark.parametrize(
    "record",
    [
        lambda: metrics.count("Payments"),
        lambda: metrics.count("payments", customer_id=7),
        lambda: metrics.count("payments", -1),
        lambda: metrics.observe("took_seconds", float("nan")),
        lambda: (metrics.count("payments"), metrics.gauge("payments", 1)),
    ],
)
def test_what_production_would_leave_out_is_an_error_here(record):
    with InMemoryMetrics(), pytest.raises(MetricError):
        record()


@pytest.mark.parametrize("gauges", [{"open": float("nan")}, {"Open": 1}, {"payments": 1}, {"open": None}])
def test_what_is_watched_wrongly_is_an_error_here(gauges):
    with InMemoryMetrics() as recorded:
        metrics.count("payments")
        metrics.watch(totals=dict, gauges=lambda: gauges)
        with pytest.raises(MetricError):
            recorded.gauged("open")


def test_two_sources_with_the_same_name_are_an_error_here():
    with InMemoryMetrics() as recorded:
        for _ in range(2):
            metrics.watch(totals=lambda: {"hits": 1}, gauges=dict)
        with pytest.raises(MetricError, match="watched twice"):
            recorded.counted("hits")


EARLIER_TESTS = """
from blackcat import metrics
from blackcat.testing import InMemoryMetrics

for number in (1, 2):
    metrics.watch(totals=lambda number=number: {"hits": number}, gauges=dict)
with InMemoryMetrics() as recorded:
    assert recorded.counted("hits") == 2
    metrics.watch(totals=lambda: {"hits": 3}, gauges=dict)
    assert recorded.counted("hits") == 3
"""


def test_what_was_watched_before_is_asked_and_gives_way_to_what_a_test_makes():
    subprocess.run([sys.executable, "-c", EARLIER_TESTS], check=True)
