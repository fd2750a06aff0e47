"""The metrics of workers: each publishes its own, and answers for all."""

from __future__ import annotations

from threading import Event, Thread

import pytest

from blackcat.errors import ConfigurationError
from blackcat.infra.metrics.board import Board
from blackcat.infra.metrics.metrics import Published, ServerMetrics
from blackcat.infra.redaction import redactor
from blackcat.infra.settings.configuration import Settings


def counted(board, name):
    return sum(one.value for one in board.read(0) if one.name == name)


def test_an_older_state_is_never_written_after_a_newer_one():
    board = Board(1)
    worker = Published(board, 0)
    worker.count("hits", 100)
    asked, go_on = Event(), Event()

    def slow():
        asked.set()
        go_on.wait(60)
        return {}

    worker.watch(totals=slow, gauges=dict)
    threads = [Thread(target=worker.flush) for _ in range(2)]
    threads[0].start()
    assert asked.wait(60)
    worker.count("hits", 5)
    threads[1].start()
    go_on.set()
    for thread in threads:
        thread.join(60)
    assert counted(board, "hits") == 105


def test_scrapes_and_the_publishing_thread_never_make_a_sum_fall():
    board = Board(1)
    worker = Published(board, 0)
    ended = Event()

    def publish():
        while not ended.is_set():
            worker.flush()

    threads = [Thread(target=publish) for _ in range(3)]
    for thread in threads:
        thread.start()
    seen = []
    for _ in range(2000):
        worker.count("hits")
        seen.append(counted(board, "hits"))
    ended.set()
    for thread in threads:
        thread.join(60)
    assert seen == sorted(seen)
    assert counted(board, "hits") == 2000


def test_an_explosion_of_labels_is_other_and_the_rest_goes_on(caplog):
    board = Board(1)
    worker = Published(board, 0)
    for number in range(1000):
        worker.count("visits", **{f"label_{place}": f"{number:0243}" for place in range(5)})
    for _ in range(3):
        worker.count("requests", status="200")
        worker.flush()
    assert counted(board, "requests") == 3
    assert counted(board, "visits") == 1000
    assert [record.message for record in caplog.records] == ["metrics.not_kept"]


def test_generations_of_workers_with_labels_of_their_own_fit_too(caplog):
    board = Board(1)
    for generation in range(4):
        worker = Published(board, 0)
        for number in range(1000):
            worker.count("visits", customer=f"{generation}-{number:0200}")
        worker.flush()
    assert counted(board, "visits") == 4000
    assert "metrics.not_shared" not in [record.message for record in caplog.records]


def test_a_learned_secret_is_no_label():
    redactor.learn("canary-of-labels")
    board = Board(1)
    worker = Published(board, 0)
    worker.count("orders", customer="canary-of-labels")
    worker.flush()
    assert [one.labels for one in board.read(0)] == [(("customer", "***"),)]


def test_one_port_for_both_is_refused_with_advice():
    settings = Settings(metrics="prometheus", port=8123, health_port=8123)
    with pytest.raises(ConfigurationError, match="PORT and HEALTH_PORT are both 8123"):
        ServerMetrics("api", settings, workers=1)
