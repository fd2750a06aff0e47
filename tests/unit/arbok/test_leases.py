"""Who gets the next connection."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest

from blackcat.arbok.leases import Leases
from blackcat.arbok.limits import PoolLimits
from blackcat.errors import PoolExhausted
from blackcat.testing import FrozenClock


def leases(**limits: timedelta) -> Leases:
    return Leases("app/database", PoolLimits(size=1, **limits), FrozenClock())


def test_first_come_first_served() -> None:
    queue, served = leases(wait=timedelta(minutes=5)), []

    def take(name: str) -> None:
        with queue.held():
            served.append(name)

    threads = [threading.Thread(target=take, args=[name]) for name in ("first", "second", "third")]
    with queue.held():
        for number, thread in enumerate(threads, start=1):
            thread.start()
            while queue.waiting < number:
                time.sleep(0.001)
    take("who gave it back and asks again")
    for thread in threads:
        thread.join()
    assert served == ["first", "second", "third", "who gave it back and asks again"]


def test_who_waited_in_vain_is_served_no_more() -> None:
    queue = leases(wait=timedelta(milliseconds=10))
    failures: list[str] = []

    def take() -> None:
        try:
            with queue.held():
                raise AssertionError("lent twice")
        except PoolExhausted as error:
            failures.append(str(error))

    with queue.held():
        other = threading.Thread(target=take)
        other.start()
        other.join()
        assert "none came back in 0.01 s: 1 of 1 are in use by MainThread in test_leases.py" in failures[0]
        assert queue.waiting == 0
    with queue.held():
        pass


def test_a_thread_that_ended_is_not_taken_for_another_one() -> None:
    """Whose number the system gave to it."""
    queue = leases(wait=timedelta(milliseconds=10))
    told: list[str] = []

    def leave() -> None:
        lent.append(queue.held())
        lent[0].__enter__()

    def take() -> None:
        with pytest.raises(PoolExhausted) as caught:
            queue.held().__enter__()
        told.append(str(caught.value))

    lent: list[object] = []
    for work in (leave, take):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert "none came back" in told[0]
