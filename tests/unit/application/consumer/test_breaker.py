from datetime import timedelta

import pytest

from blackcat import CircuitBreaker, Reject, Retry
from blackcat.application.consumer.breaker import Breaker
from blackcat.domain.outcome import HANDLED, Rejected, Retried
from blackcat.errors import InvalidDeclaration
from blackcat.testing import FrozenClock

FAILED = Retried("boom", ValueError("boom"))


@pytest.fixture
def clock():
    return FrozenClock()


@pytest.fixture
def breaker(clock):
    return Breaker(policy=CircuitBreaker(failures=3, pause=timedelta(seconds=30)), clock=clock)


def fail(breaker, times):
    for _ in range(times):
        breaker.record(FAILED)


def test_failures_in_a_row_open_it(breaker, clock):
    fail(breaker, 2)
    assert breaker.limit() == 10
    fail(breaker, 1)
    assert breaker.limit() == 0
    assert "paused after 3 failures in a row, next try in 30 s" in breaker.problem(clock.monotonic())


def test_a_success_in_between_starts_the_count_anew(breaker):
    fail(breaker, 2)
    breaker.record(HANDLED)
    fail(breaker, 2)
    assert breaker.limit() == 10


@pytest.mark.parametrize("outcome", [Retried("busy", Retry()), Rejected("never", Reject("never"))])
def test_what_a_handler_decides_is_no_failure(breaker, outcome):
    for _ in range(10):
        breaker.record(outcome)
    assert breaker.limit() == 10


def test_after_the_pause_one_message_is_tried_and_closes_it(breaker, clock):
    fail(breaker, 3)
    clock.advance(timedelta(seconds=30))
    assert breaker.limit() == 1
    breaker.received(1)
    assert breaker.limit() == 0
    breaker.record(HANDLED)
    assert breaker.limit() == 10
    assert breaker.problem(clock.monotonic()) is None


def test_a_failed_trial_opens_it_for_another_pause(breaker, clock):
    fail(breaker, 3)
    clock.advance(timedelta(seconds=30))
    breaker.received(1)
    fail(breaker, 1)
    assert breaker.limit() == 0
    clock.advance(timedelta(seconds=30))
    assert breaker.limit() == 1


def test_an_empty_poll_is_no_trial(breaker, clock):
    fail(breaker, 3)
    clock.advance(timedelta(seconds=30))
    breaker.received(0)
    assert breaker.limit() == 1


def test_without_a_policy_it_never_opens(clock):
    breaker = Breaker(policy=None, clock=clock)
    fail(breaker, 100)
    assert breaker.limit() == 10


@pytest.mark.parametrize("wrong", [{"failures": 0}, {"pause": timedelta(0)}])
def test_a_policy_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(InvalidDeclaration):
        CircuitBreaker(**wrong)


def test_a_trial_without_an_end_is_tried_again(breaker, clock):
    fail(breaker, 3)
    clock.advance(timedelta(seconds=30))
    breaker.received(1)
    assert breaker.limit() == 0
    clock.advance(timedelta(seconds=30))
    assert breaker.limit() == 1


@pytest.mark.parametrize("outcome", [Retried("busy", Retry()), Rejected("never", Reject("never"))])
def test_only_what_was_handled_closes_it(breaker, clock, outcome):
    fail(breaker, 3)
    clock.advance(timedelta(seconds=30))
    breaker.received(1)
    breaker.record(outcome)
    assert breaker.problem(clock.monotonic()) is not None
