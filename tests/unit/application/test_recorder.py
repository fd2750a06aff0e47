import logging
import os
import subprocess
import sys

import pytest

from blackcat.application.metrics import NoMetrics, metrics, project_metrics
from blackcat.application.recorder import MAX_LABEL_SETS, OTHER, Recorder


@pytest.fixture
def recorder():
    return Recorder()


def told(caplog):
    return [record.fields["reason"] for record in caplog.records if record.message == "metrics.not_kept"]


def values(recorder):
    return {(one.name, one.labels): one.value for one in recorder.collected()}


def test_what_cannot_be_kept_is_told_once_and_raises_nothing(recorder, caplog):
    for _ in range(3):
        recorder.count("Orders")
        recorder.count("orders", status=200)
        recorder.count("orders", status=["a", "list"])
        recorder.observe("took_seconds", float("nan"))
        recorder.gauge("balance", float("-inf"))
        recorder.count("orders", -1)
        recorder.count("orders", "three")
        recorder.observer("Took")(1)
    assert len(told(caplog)) == 7
    assert {one.value for one in recorder.collected() if one.kind != "distribution"} == {0.0}


def test_one_name_is_one_kind(recorder, caplog):
    recorder.count("orders")
    recorder.gauge("orders", 7)
    assert values(recorder) == {("orders", ()): 1}
    assert "is a counter already" in told(caplog)[0]


def test_beyond_its_sets_of_labels_the_rest_of_a_metric_is_other(recorder, caplog):
    for number in range(MAX_LABEL_SETS + 50):
        recorder.count("orders", customer=str(number))
        recorder.count("orders", customer="0")
    recorder.count("payments", method="card")
    found = values(recorder)
    assert found["orders", (("customer", "0"),)] == MAX_LABEL_SETS + 51
    assert found["orders", (("customer", OTHER),)] == 50
    assert len([key for key in found if key[0] == "orders"]) == MAX_LABEL_SETS + 1
    assert found["payments", (("method", "card"),)] == 1
    assert len(told(caplog)) == 1


def test_names_are_limited_too(recorder, caplog):
    for number in range(1100):
        recorder.count(f"order_{number}")
    assert len(values(recorder)) == 1000
    assert len(told(caplog)) == 1


def test_a_source_that_fails_costs_only_its_own_numbers(recorder, caplog):
    recorder.watch(totals=lambda: {"done": 1}, gauges=lambda: {}["missing"])
    recorder.count("orders")
    assert values(recorder) == {("done", ()): 1, ("orders", ()): 1}
    assert caplog.records[0].levelno == logging.WARNING


def test_what_was_taken_is_not_taken_again_and_a_gauge_stays(recorder):
    recorder.count("orders")
    recorder.observe("took_seconds", 0.5)
    recorder.gauge("open", 3)
    recorder.watch(totals=lambda: {"done": 5}, gauges=dict)
    assert {one.name for one in recorder.taken()} == {"orders", "took_seconds", "open", "done"}
    assert {one.name for one in recorder.taken()} == {"open"}
    recorder.observe("took_seconds", 0.25)
    (spread,) = (one.value for one in recorder.taken() if one.name == "took_seconds")
    assert (spread.count, spread.sum, spread.least, spread.most) == (1, 0.25, 0.25, 0.25)


def test_blackcats_own_names_have_a_prefix_and_a_project_s_have_none(recorder):
    metrics.use(recorder)
    try:
        metrics.count("orders")
        metrics.observer("took_seconds")(1)
        metrics.watch(totals=lambda: {"done": 1}, gauges=dict)
        project_metrics.count("orders")
    finally:
        metrics.use(NoMetrics())
    names = sorted(one.name for one in recorder.collected())
    assert names == ["blackcat_done", "blackcat_orders", "blackcat_took_seconds", "orders"]


def test_a_fork_records_nothing_until_it_has_a_backend_of_its_own(recorder):
    metrics.use(recorder)
    try:
        child = os.fork()
        if not child:
            os._exit(1 if metrics.enabled else 0)
        _, status = os.waitpid(child, 0)
    finally:
        metrics.use(NoMetrics())
    assert status == 0


@pytest.mark.parametrize(
    "watched",
    [
        {"pool": float("nan")},
        {"pool": None},
        {"pool": "many"},
        {"Pool": 1},
        {"event": 1},
        {None: 1},
        {"orders": 1},
    ],
)
def test_a_watched_number_that_cannot_be_kept_costs_only_itself(recorder, caplog, watched):
    recorder.count("orders", 5)
    recorder.watch(totals=lambda: {"done": 1}, gauges=lambda: {**watched, "open": 2})
    for _ in range(3):
        assert values(recorder) == {("orders", ()): 5, ("done", ()): 1, ("open", ()): 2}
    assert len(told(caplog)) == 1


def test_what_is_counted_and_watched_stands_once(recorder, caplog):
    recorder.watch(totals=lambda: {"orders": 70}, gauges=dict)
    recorder.count("orders", 5)
    assert [(one.name, one.value) for one in recorder.collected()] == [("orders", 5)]
    assert "recorded and watched" in told(caplog)[0]


def test_of_two_sources_with_the_same_name_the_later_one_counts(recorder, caplog):
    for number in (10, 3):
        recorder.watch(totals=lambda number=number: {"done": number}, gauges=dict)
    for _ in range(2):
        assert [one.value for one in recorder.collected()] == [3]
    assert "watched twice" in told(caplog)[0]


def test_a_watched_total_never_falls(recorder, caplog):
    told_by = iter([10, 4, 6])
    recorder.watch(totals=lambda: {"done": next(told_by)}, gauges=dict)
    assert [values(recorder)["done", ()] for _ in range(3)] == [10, 14, 16]
    assert len(told(caplog)) == 1


def test_of_a_watched_total_that_begins_anew_what_it_grew_since_is_taken(recorder):
    told_by = iter([10, 4, 6])
    recorder.watch(totals=lambda: {"done": next(told_by)}, gauges=dict)
    assert [recorder.taken()[0].value for _ in range(3)] == [10, 4, 2]


def test_what_was_taken_and_given_back_is_taken_again(recorder):
    recorder.watch(totals=lambda: {"done": 5}, gauges=lambda: {"open": 1})
    recorder.count("orders", 2)
    recorder.observe("took_seconds", 0.5)
    recorder.gauge("balance", -3)
    first = recorder.taken()
    recorder.count("orders")
    recorder.observe("took_seconds", 2)
    recorder.give_back(first)
    again = {one.name: one.value for one in recorder.taken()}
    spread = again.pop("took_seconds")
    assert again == {"orders": 3, "done": 5, "open": 1, "balance": -3}
    assert (spread.count, spread.sum, spread.least, spread.most) == (2, 2.5, 0.5, 2)


def test_many_of_one_mistake_leave_others_their_turn(recorder, caplog):
    for number in range(150):
        recorder.count("orders", -number - 1)
        recorder.count(f"Orders{number}")
    recorder.observe("took_seconds", -1)
    assert "took_seconds" in told(caplog)[-1]


def test_labels_are_masked_when_they_are_first_seen(caplog):
    seen = []

    def masked(text):
        seen.append(text)
        return text.replace("hunter2", "***")

    recorder = Recorder(masked=masked)
    for _ in range(3):
        recorder.count("orders", customer="hunter2")
    recorder.count("orders", customer="***")
    assert values(recorder) == {("orders", (("customer", "***"),)): 4}
    assert seen == ["hunter2", "***"]


MODULE = """
from blackcat.application.metrics import NoMetrics, metrics, project_metrics
from blackcat.application.recorder import Recorder

observe = project_metrics.observer("took_seconds", step="parse")
metrics.watch(totals=lambda: {"done": 1}, gauges=dict)
observe(1)
for took in (2, 3):
    backend = Recorder()
    metrics.use(backend)
    observe(took)
    found = {one.name: one.value for one in backend.collected()}
    assert found["took_seconds"].sum == took, found
    assert found["blackcat_done"] == 1, found
    metrics.use(NoMetrics())
"""


def test_an_observer_and_a_watch_may_come_before_the_backend():
    subprocess.run([sys.executable, "-c", MODULE], check=True)
