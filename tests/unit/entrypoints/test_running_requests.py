"""Requests that run, and those that are stuck: told from the outside, with an own clock."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from blackcat.entrypoints.rest_api.probes import api_report
from blackcat.entrypoints.rest_api.running import RunningRequests
from blackcat.testing import FrozenClock


@contextmanager
def held(running: RunningRequests, *ids: str) -> Iterator[None]:
    """Requests in threads of their own, until the end of the block."""
    release = threading.Event()
    begun = threading.Barrier(len(ids) + 1)

    def hold(request_id: str) -> None:
        running.begin(request_id)
        begun.wait(60)
        release.wait(60)
        running.end()

    threads = [threading.Thread(target=hold, args=(request_id,)) for request_id in ids]
    for thread in threads:
        thread.start()
    begun.wait(60)
    try:
        yield
    finally:
        release.set()
        for thread in threads:
            thread.join()


def test_a_request_has_its_time_and_is_stuck_after_twice_of_it() -> None:
    clock = FrozenClock()
    running = RunningRequests(30, clock.monotonic)
    with held(running, "a"):
        clock.advance(timedelta(seconds=60))
        assert (running.count(), running.oldest(), running.stuck()) == (1, 60.0, [])
        clock.advance(timedelta(seconds=1))
        (stuck,) = running.stuck()
        assert (stuck.request_id, stuck.seconds) == ("a", 61.0)
        assert "in hold" in stuck.stack
    assert (running.count(), running.oldest(), running.stuck()) == (0, 0.0, [])


def test_only_a_thread_with_a_request_has_time_left() -> None:
    clock = FrozenClock()
    running = RunningRequests(30, clock.monotonic)
    assert running.left() is None
    running.begin("a")
    clock.advance(timedelta(seconds=31))
    assert running.left() == -1.0
    assert running.end() == 31.0
    assert running.left() is None


@pytest.mark.parametrize(
    ("stuck", "threads", "status"),
    [(0, 8, "healthy"), (1, 8, "degraded"), (6, 8, "degraded"), (7, 8, "unhealthy"), (1, 1, "unhealthy")],
)
def test_a_process_lives_while_a_thread_is_free_besides_the_one_that_tells(
    stuck: int, threads: int, status: str
) -> None:
    clock = FrozenClock()
    running = RunningRequests(1, clock.monotonic)
    with held(running, *map(str, range(stuck))):
        clock.advance(timedelta(seconds=3))
        report = api_report("shop", running, threads)
    assert report.status == status
    assert report.details["in_flight"] == stuck
