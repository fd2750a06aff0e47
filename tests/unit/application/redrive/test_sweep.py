"""A pass over a queue: each message once, and all given back."""

from datetime import timedelta

import pytest

from blackcat.application.redrive.looking import look
from blackcat.application.redrive.sweep import HOLD, swept
from blackcat.application.redrive.wanted import Wanted
from blackcat.errors import Unreachable
from blackcat.resources import QueueResource
from blackcat.testing import FrozenClock, InMemoryBroker

NOW = timedelta(0)


@pytest.fixture
def clock():
    return FrozenClock()


@pytest.fixture
def broker(clock):
    return InMemoryBroker(clock)


@pytest.fixture
def queue(broker):
    return broker.create(QueueResource("letters", max_receive_count=None))


def bodies(batches):
    return [message.body for batch in batches for message in batch]


def sweep_of(queue, clock, visibility=timedelta(seconds=60)):
    return swept(queue, expected=0, visibility=visibility, started_at=clock.now(), patience=NOW)


def test_it_meets_every_message_once_and_gives_all_back(queue, broker, clock):
    sent = [f"m{number}" for number in range(25)]
    for body in sent:
        queue.send(body)
    with sweep_of(queue, clock) as sweep:
        assert sorted(bodies(sweep.batches())) == sorted(sent)
        assert broker.depth("letters").in_flight == 25
    assert broker.depth("letters").waiting == 25


def test_it_gives_back_after_an_interruption_too(queue, broker, clock):
    def look_until_interrupted():
        with sweep_of(queue, clock) as sweep:
            next(sweep.batches())
            raise KeyboardInterrupt

    queue.send("m")
    with pytest.raises(KeyboardInterrupt):
        look_until_interrupted()
    assert broker.depth("letters").waiting == 1


def test_what_is_sent_later_is_passed_over(queue, clock):
    queue.send("before")
    with sweep_of(queue, clock) as sweep:
        clock.advance(timedelta(milliseconds=1))
        queue.send("after")
        assert bodies(sweep.batches()) == ["before"]
        assert sweep.later == 1


def test_what_this_run_sent_is_passed_over(queue, clock):
    mine = queue.send("mine")
    queue.send("other")
    with sweep_of(queue, clock) as sweep:
        sweep.ours([mine])
        assert bodies(sweep.batches()) == ["other"]


def test_a_message_that_comes_again_is_not_met_again_and_is_released_by_its_newest_receipt(
    queue, broker, clock
):
    queue.send("m")
    with sweep_of(queue, clock) as sweep:
        batches = sweep.batches()
        (first,) = next(batches)
        clock.advance(timedelta(seconds=61))
        assert next(batches, None) is None
        (newest,) = sweep.receipts([first])
        assert newest != first.receipt
    assert broker.depth("letters").waiting == 1


def test_a_short_visibility_is_extended_while_messages_are_held(broker, clock):
    queue = broker.create(
        QueueResource("short", max_receive_count=None, visibility_timeout=timedelta(seconds=1))
    )
    queue.send("m")
    with sweep_of(queue, clock, visibility=timedelta(seconds=1)) as sweep:
        batches = sweep.batches()
        next(batches)
        clock.advance(HOLD - timedelta(seconds=1))
        assert broker.depth("short").in_flight == 1
        assert next(batches, None) is None
    assert broker.depth("short").waiting == 1


class Repeating:
    """A queue that hides nothing: whoever asks gets the same messages."""

    name = "repeating"

    def __init__(self, queue):
        self._received = queue.receive()
        self.receives = 0

    def receive(self, *, limit, wait):
        self.receives += 1
        return self._received

    def release(self, receipts):
        raise Unreachable("gone")


def test_it_ends_even_where_a_queue_hides_nothing_and_takes_nothing_back(queue, clock):
    queue.send("m")
    repeating = Repeating(queue)
    with sweep_of(repeating, clock) as sweep:
        assert bodies(sweep.batches()) == ["m"]
    assert 1 < repeating.receives < 100


def look_at(queue, clock, wanted=Wanted(), limit=100):  # noqa: B008 - it never changes
    return look(queue, wanted=wanted, limit=limit, expected=0, visibility=HOLD, clock=clock, patience=NOW)


def test_a_look_keeps_to_its_limit_and_says_whether_it_saw_all(queue, broker, clock):
    for number in range(15):
        queue.send(f"m{number}")
    some, every = look_at(queue, clock, limit=12), look_at(queue, clock)
    assert (some.seen, some.complete, len(some.letters)) == (12, False, 12)
    assert (every.seen, every.complete, len(every.letters)) == (15, True, 15)
    assert broker.depth("letters").waiting == 15


def test_a_look_gives_the_wanted_only(queue, clock):
    queue.send("yes")
    queue.send("no")
    found = look_at(queue, clock, Wanted(body="yes"))
    assert [letter.message.body for letter in found.letters] == ["yes"]
    assert found.seen == 2


def test_in_fifo_queues_no_more_of_a_group_is_seen_than_one_receive_gives(broker, clock):
    fifo = broker.create(
        QueueResource("letters.fifo", max_receive_count=None, content_based_deduplication=True)
    )
    for number in range(15):
        fifo.send(f"m{number}", group_id="g")
    assert look_at(fifo, clock).seen == 10
    assert broker.depth("letters.fifo").waiting == 15


def test_a_request_to_stop_ends_a_look_between_receives_with_all_given_back(queue, broker, clock):
    for number in range(25):
        queue.send(f"m{number}")
    found = look(
        queue,
        wanted=Wanted(),
        limit=100,
        expected=25,
        visibility=HOLD,
        clock=clock,
        stopping=lambda: broker.depth("letters").in_flight == 20,
        patience=NOW,
    )
    assert found.seen == 20
    assert broker.depth("letters").waiting == 25


class Waits:
    """A queue that writes down how long each receive may wait."""

    def __init__(self, queue):
        self._queue = queue
        self.name = queue.name
        self.waits = []

    def receive(self, *, limit, wait):
        self.waits.append(wait)
        return self._queue.receive(limit=limit)

    def release(self, receipts):
        return self._queue.release(receipts)


@pytest.mark.parametrize(("count", "expected", "waits"), [(0, 0, [1]), (1, 1, [1, 0]), (1, 2, [1, 1])])
def test_it_waits_while_more_is_expected_or_nothing_was_found(queue, clock, count, expected, waits):
    for number in range(count):
        queue.send(f"m{number}")
    watched = Waits(queue)
    with swept(watched, expected=expected, visibility=HOLD, started_at=clock.now()) as sweep:
        list(sweep.batches())
    assert [wait.total_seconds() for wait in watched.waits] == waits
