"""When a task is protected: decided by clock and by the age of the oldest message, told to a stand-in."""

import logging
from datetime import timedelta
from random import Random
from threading import Thread

import pytest

from blackcat.application.protection import (
    LONG_SECONDS,
    SETTLED_SECONDS,
    Protected,
    Protector,
    Step,
    next_step,
)
from blackcat.errors import PermanentError, Throttled
from blackcat.testing import FrozenClock

DURATION = timedelta(minutes=15)
LONG = LONG_SECONDS
FRESH = Protected(since=100.0, until=1000.0)


@pytest.mark.parametrize(
    ("protected", "oldest", "now", "step"),
    [
        (None, 0.0, 0.0, Step.NOTHING),
        (None, LONG - 0.1, 0.0, Step.NOTHING),
        (None, LONG, 0.0, Step.PROTECT),
        (FRESH, LONG, 101.0, Step.NOTHING),
        (FRESH, LONG, 549.0, Step.NOTHING),
        (FRESH, LONG, 550.0, Step.RENEW),
        (FRESH, LONG, 1000.0, Step.PROTECT),  # it ran out: renewing failed
        (FRESH, 0.0, 1000.0, Step.NOTHING),
        (FRESH, 0.0, 100.0 + SETTLED_SECONDS - 1, Step.NOTHING),
        (FRESH, 0.0, 100.0 + SETTLED_SECONDS, Step.RELEASE),
        (FRESH, LONG - 1, 600.0, Step.RELEASE),
    ],
)
def test_what_to_tell_the_platform(protected, oldest, now, step):
    assert next_step(protected, oldest=oldest, now=now) is step


class Platform:
    """Keeps the calls; raises what is told to it."""

    def __init__(self):
        self.calls = []
        self.error = None

    def protect(self, duration):
        self._called(duration)

    def release(self):
        self._called("release")

    def _called(self, call):
        self.calls.append(call)
        if self.error:
            raise self.error


class Work:
    """A consumer's messages: the age of the oldest one."""

    def __init__(self):
        self.oldest = 0.0


@pytest.fixture
def clock():
    return FrozenClock()


@pytest.fixture
def platform():
    return Platform()


@pytest.fixture
def work():
    return Work()


@pytest.fixture
def protector(platform, work, clock):
    return Protector(
        protection=platform, oldest=lambda: work.oldest, duration=DURATION, clock=clock, random=Random(1)
    )


@pytest.fixture
def look(protector, clock):
    def looked(seconds=1):
        for _ in range(seconds):
            protector.look()
            clock.advance(timedelta(seconds=1))

    return looked


def events(caplog):
    return [record.message for record in caplog.records]


def test_an_hour_of_short_messages_costs_no_call(look, work, platform):
    work.oldest = LONG - 1
    look(3600)
    assert platform.calls == []


def test_a_long_message_costs_two_calls(look, work, platform, caplog):
    caplog.set_level(logging.INFO)
    work.oldest = LONG
    look(60)
    work.oldest = 0.0
    look(60)
    assert platform.calls == [DURATION, "release"]
    assert events(caplog) == ["task.protected", "task.released"]


def test_it_is_renewed_when_half_of_it_is_gone(look, work, platform, caplog):
    caplog.set_level(logging.INFO)
    work.oldest = LONG
    look(3600)
    assert platform.calls == [DURATION] * 8
    assert events(caplog) == ["task.protected"]


def test_messages_around_ten_seconds_cost_four_calls_a_minute_at_most(look, work, platform):
    for _ in range(60):
        work.oldest = LONG
        look(2)
        work.oldest = 0.0
        look(8)
    assert len(platform.calls) <= 4 * 10


def test_failures_are_told_once_and_tried_again_ever_more_seldom(look, work, platform, caplog):
    caplog.set_level(logging.INFO)
    platform.error = Throttled("Rate exceeded")
    work.oldest = LONG
    look(600)
    assert events(caplog) == ["task.protection_failed"]
    assert caplog.records[0].fields["tried_again"]
    assert 10 <= len(platform.calls) <= 60
    platform.error = None
    look(61)
    assert events(caplog) == ["task.protection_failed", "task.protected"]


def test_a_release_that_failed_is_tried_again_until_the_protection_has_run_out_anyway(look, work, platform):
    work.oldest = LONG
    look(1)
    platform.error = Throttled("Rate exceeded")
    work.oldest = 0.0
    look(int(DURATION.total_seconds()))
    tries = len(platform.calls)
    assert tries > 10
    look(600)
    assert len(platform.calls) == tries


def run_to_its_end(protector):
    thread = Thread(target=protector.run, daemon=True)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()


def test_at_a_stop_what_is_protected_is_released(protector, look, work, platform):
    work.oldest = LONG
    look(1)
    protector.close()
    run_to_its_end(protector)
    assert platform.calls == [DURATION, "release"]


def test_at_a_stop_what_is_not_protected_needs_no_call(protector, platform):
    protector.close()
    run_to_its_end(protector)
    assert platform.calls == []


def test_a_task_that_cannot_be_protected_is_told_once_and_never_again(protector, work, platform, caplog):
    platform.error = PermanentError("the task belongs to no ECS service")
    work.oldest = LONG
    run_to_its_end(protector)
    assert platform.calls == [DURATION]
    assert [record.fields["tried_again"] for record in caplog.records] == [False]
