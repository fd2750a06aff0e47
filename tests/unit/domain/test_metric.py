from itertools import pairwise

import pytest

from blackcat.domain.metric import BOUNDS, MAX_LABELS, as_number, checked
from blackcat.errors import MetricError


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Orders", "lower case"),
        ("orders-placed", "lower case"),
        ("", "lower case"),
        ("9lives", "lower case"),
        ("o" * 201, "lower case"),
        (None, "lower case"),
        ("orders\n", "lower case"),
        ("orders_total", "leave out '_total'"),
        ("orders_count", "leave out '_count'"),
        ("timestamp", "taken"),
        ("service", "taken"),
    ],
)
def test_a_name_that_no_backend_keeps_is_refused_with_advice(name, told):
    with pytest.raises(MetricError, match=told):
        checked(name, {})


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        ({"Method": "card"}, "lower case"),
        ({"service": "x"}, "taken"),
        ({"le": "x"}, "taken"),
        ({"orders": "x"}, "taken"),
        ({"status": 200}, "write it as one"),
        ({"method": None}, "write it as one"),
        ({"method": ""}, "'none'"),
        ({"method": " "}, "'none'"),
        ({"method": "a\nb"}, "one line"),
        ({"method": "x" * 251}, "one line"),
        ({"method": "\ud800"}, "one line"),
        ({f"label_{number}": "x" for number in range(MAX_LABELS + 1)}, "at most 28"),
    ],
)
def test_a_label_that_no_backend_keeps_is_refused_with_advice(labels, told):
    with pytest.raises(MetricError, match=told):
        checked("orders", labels)


def test_labels_have_one_order():
    assert checked("orders", {"b": "1", "a": "2"}) == (("a", "2"), ("b", "1"))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1, 1e101, "x", None, 10**400])
def test_what_is_no_number_from_zero_on_is_none(value):
    assert as_number(value, 0) is None


def test_bounds_rise_evenly_and_hold_what_prometheus_shows():
    assert list(BOUNDS) == sorted(BOUNDS)
    assert all(high / low < 1.15 for low, high in pairwise(BOUNDS))
    assert {0.005, 0.01, 0.025, 0.5, 1.0, 2.5, 500.0, 1e6} <= set(BOUNDS)
