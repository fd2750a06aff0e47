from datetime import timedelta
from threading import Event

from blackcat.application.consumer.rate import RateLimiter
from blackcat.testing import FrozenClock


def test_no_more_than_the_rate_is_taken_in_any_second():
    clock = FrozenClock()
    limiter = RateLimiter(per_second=5, clock=clock)
    assert limiter.take(10, Event()) == 5
    clock.advance(timedelta(seconds=0.4))
    assert limiter.take(10, Event()) == 2
    clock.advance(timedelta(minutes=5))
    assert limiter.take(10, Event()) == 5


def test_what_a_poll_did_not_use_can_be_taken_again():
    limiter = RateLimiter(per_second=5, clock=FrozenClock())
    assert limiter.take(5, Event()) == 5
    limiter.give_back(3)
    assert limiter.take(5, Event()) == 3


def test_a_rate_below_one_a_second_lets_one_through_at_a_time():
    clock = FrozenClock()
    limiter = RateLimiter(per_second=0.1, clock=clock)
    assert limiter.take(10, Event()) == 1
    clock.advance(timedelta(seconds=10))
    assert limiter.take(10, Event()) == 1


def test_a_stop_ends_the_wait():
    limiter = RateLimiter(per_second=1, clock=FrozenClock())
    limiter.take(1, Event())
    stopping = Event()
    stopping.set()
    assert limiter.take(1, stopping) == 0


def test_without_a_rate_everything_is_allowed():
    limiter = RateLimiter(per_second=None, clock=FrozenClock())
    assert [limiter.take(10, Event()) for _ in range(100)] == [10] * 100
