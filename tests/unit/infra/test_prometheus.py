"""Prometheus' text format, read by Prometheus' own parser."""

from __future__ import annotations

import math
import os
import signal
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from blackcat.application.recorder import Recorder
from blackcat.infra.metrics.board import Board
from blackcat.infra.metrics.prometheus import exposition, merged

ABOUT = {"service": "orders", "environment": "prod", "version": "1.2.3"}


def families(measured):
    return {one.name: one for one in text_string_to_metric_families(exposition(measured, ABOUT).decode())}


def buckets(family, **labels):
    samples = [one for one in family.samples if one.name.endswith("_bucket")]
    found = [(one.labels["le"], one.value, _others(one.labels)) for one in samples]
    return {float(bound): value for bound, value, its in found if its == labels}


def _others(labels):
    return {name: value for name, value in labels.items() if name != "le"}


@pytest.fixture
def recorder():
    return Recorder()


def test_the_service_is_told_by_one_metric_of_its_own(recorder):
    (sample,) = families(recorder.collected())["blackcat_service_info"].samples
    assert (sample.labels, sample.value) == (ABOUT, 1)


def test_each_kind_has_its_type_and_a_counter_its_ending(recorder):
    recorder.count("orders")
    recorder.gauge("open", 1)
    recorder.observe("took_seconds", 1)
    found = families(recorder.collected())
    assert [(name, found[name].type) for name in ("orders", "open", "took_seconds")] == [
        ("orders", "counter"),
        ("open", "gauge"),
        ("took_seconds", "histogram"),
    ]
    assert found["orders"].samples[0].name == "orders_total"


def test_a_histogram_is_cumulative_and_exact_at_its_bounds(recorder):
    for value in (0.0, 0.001, 0.0010001, 0.5, 0.500001, 4999, 5000, 5001, 1e12):
        recorder.observe("took_seconds", value, step="pay")
    found = buckets(families(recorder.collected())["took_seconds"], step="pay")
    assert [found[bound] for bound in (0.001, 0.0025, 0.5, 1.0, 5000.0, math.inf)] == [2, 3, 4, 5, 7, 9]
    assert list(found.values()) == sorted(found.values())


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [("took_seconds", 0.001, 5000), ("hit_ratio", 0.001, 5), ("body_bytes", 1, 5e8)],
)
def test_the_unit_tells_the_bounds(recorder, name, least, most):
    recorder.observe(name, 1)
    found = sorted(buckets(families(recorder.collected())[name]))
    assert (found[0], found[-2], found[-1]) == (least, most, math.inf)


@given(st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=40))
def test_any_label_comes_through_as_it_is(text):
    recorder = Recorder()
    recorder.count("orders", route=text)
    kept = [one for one in recorder.collected() if text.strip()]
    found = families(kept)
    assert [sample.labels["route"] for sample in found["orders"].samples] == [text] if kept else True


def board_of(*recorders):
    board = Board(len(recorders))
    for place, recorder in enumerate(recorders):
        board.write(place, recorder.collected())
    return board


def test_workers_are_summed_and_their_gauges_told_apart():
    one, other = Recorder(), Recorder()
    for recorder, times in ((one, 2), (other, 3)):
        for _ in range(times):
            recorder.count("requests", status="200")
            recorder.observe("took_seconds", 0.2 * times)
        recorder.gauge("in_flight", times)
    found = families(merged(board_of(one, other).read_all()))
    assert [(sample.labels, sample.value) for sample in found["requests"].samples] == [({"status": "200"}, 5)]
    assert buckets(found["took_seconds"])[0.5] == 2
    assert buckets(found["took_seconds"])[1.0] == 5
    gauges = {sample.labels["worker"]: sample.value for sample in found["in_flight"].samples}
    assert gauges == {"0": 2, "1": 3}


def in_a_fork(work):
    child = os.fork()
    if not child:
        try:
            work()
        finally:
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)


def test_what_a_killed_process_wrote_last_stays():
    board = Board(2)
    recorder = Recorder()

    def work():
        recorder.count("requests", 7)
        board.write(1, recorder.collected())
        recorder.count("requests", 1)

    in_a_fork(work)
    assert [[one.value for one in place] for place in board.read_all()] == [[], [7]]


def test_a_reader_sees_what_was_written_at_one_moment():
    board = Board(1)
    recorder = Recorder()

    def work():
        for _ in range(2000):
            recorder.count("one")
            recorder.count("other")
            board.write(0, recorder.collected())

    child = os.fork()
    if not child:
        work()
        os._exit(0)
    seen = set()
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        values = [one.value for one in board.read(0)]
        assert len(set(values)) <= 1
        seen |= set(values)
    assert [one.value for one in board.read(0)] == [2000, 2000]
    assert len(seen) > 1


def test_a_metric_with_more_labels_than_fit_is_one_and_no_other_suffers(caplog):
    board = Board(1)
    recorder = Recorder()
    recorder.count("requests", status="200")
    for number in range(6000):
        recorder.count(f"counted_{number // 900}", a=f"{number:0250}")
        recorder.gauge(f"open_{number // 900}", number, a=f"{number:0250}")
    for _ in range(3):
        recorder.count("requests", status="200")
        board.write(0, recorder.collected())
    sums = Counter()
    for one in board.read(0):
        sums[one.name] += one.value if one.kind == "counter" else 0
    assert sums["requests"] == 4
    assert sum(value for name, value in sums.items() if name.startswith("counted_")) == 6000
    reasons = [record.fields["reason"] for record in caplog.records if record.message == "metrics.not_shared"]
    assert len(set(reasons)) == len(reasons) > 0


def test_the_gauges_of_a_process_end_with_it_and_its_counts_stay():
    board = Board(1)
    recorder = Recorder()
    recorder.count("requests", 7)
    recorder.gauge("in_flight", 1)

    def work():
        board.write(0, recorder.collected())

    in_a_fork(work)
    assert [(one.name, one.value) for one in board.read(0)] == [("requests", 7)]
    work()
    assert {one.name for one in board.read(0)} == {"requests", "in_flight"}
