from collections import Counter
from datetime import timedelta
from random import Random

import pytest

from blackcat import Message
from blackcat.application.consumer.acknowledger import BATCH_SIZE, Acknowledger
from blackcat.application.consumer.leases import LeaseBook
from blackcat.application.ports import BatchFailure, BatchResult
from blackcat.errors import AccessDenied, ServiceUnavailable
from blackcat.testing import FrozenClock


class Queue:
    """Deletes what it is told to, after the failures that a test says."""

    name = "orders"

    def __init__(self):
        self.failures = []
        self.calls = []
        self.times = Counter()

    def delete(self, receipts):
        self.calls.append(list(receipts))
        failure = self.failures.pop(0) if self.failures else None
        if isinstance(failure, Exception):
            raise failure
        refused = {one.index: one for one in failure or ()}
        done = {index: receipt for index, receipt in enumerate(receipts) if index not in refused}
        self.times.update(done.values())
        return BatchResult(done, tuple(refused.values()))


class Setting:
    def __init__(self):
        self.clock = FrozenClock()
        self.queue = Queue()
        self.leases = LeaseBook(
            visibility=timedelta(seconds=60), longest=timedelta(minutes=15), clock=self.clock
        )
        self.acknowledger = Acknowledger(
            queue=self.queue, leases=self.leases, clock=self.clock, random=Random(1)
        )

    def handled(self, *numbers):
        messages = [Message(id=str(n), body="{}", receipt=f"r{n}") for n in numbers]
        self.leases.hold(messages)
        for message in messages:
            self.acknowledger.add(message)
        return messages

    def drain(self, budget=10.0):
        deadline = self.clock.monotonic() + budget

        def remaining():
            self.clock.advance(timedelta(milliseconds=100))
            return max(0.0, deadline - self.clock.monotonic())

        return self.acknowledger.drain(remaining)


@pytest.fixture
def setting():
    return Setting()


def test_ten_make_a_batch_in_the_thread_that_filled_it(setting):
    setting.handled(*range(BATCH_SIZE))
    assert setting.queue.calls == [[f"r{n}" for n in range(BATCH_SIZE)]]
    assert len(setting.leases) == 0


def test_fewer_wait_for_more(setting):
    setting.handled(1, 2)
    assert setting.queue.calls == []
    assert setting.acknowledger.pending() == {"r1", "r2"}
    assert setting.drain()
    assert setting.queue.calls == [["r1", "r2"]]


def test_failed_deletes_are_tried_again_for_as_long_as_it_takes(setting):
    setting.queue.failures = [ServiceUnavailable("down")] * 8
    setting.handled(1)
    assert setting.drain(budget=60)
    assert setting.queue.times == {"r1": 1}
    assert len(setting.queue.calls) == 9


def test_a_refused_permission_is_tried_again_too_for_it_may_be_granted(setting):
    setting.queue.failures = [AccessDenied("no")]
    setting.handled(1)
    assert setting.drain()


def test_of_a_batch_only_what_failed_is_tried_again(setting):
    setting.queue.failures = [[BatchFailure(1, "InternalError", "", transient=True)]]
    setting.handled(1, 2, 3)
    assert setting.drain()
    assert setting.queue.calls == [["r1", "r2", "r3"], ["r2"]]


def test_a_receipt_that_is_no_longer_valid_is_given_up(setting):
    setting.queue.failures = [[BatchFailure(0, "ReceiptHandleIsInvalid", "", transient=False)]]
    setting.handled(1)
    assert setting.drain()
    assert len(setting.queue.calls) == 1
    assert len(setting.leases) == 0


def test_what_lost_its_lease_meanwhile_is_not_deleted_any_more(setting):
    setting.queue.failures = [ServiceUnavailable("down")]
    (message,) = setting.handled(1)
    message.lease.lose()
    assert setting.drain()
    assert setting.queue.times == {}


def test_a_drain_ends_when_the_time_is_up(setting):
    setting.queue.failures = [ServiceUnavailable("down")] * 1000
    setting.handled(1)
    assert not setting.drain(budget=3)
    assert setting.acknowledger.pending() == {"r1"}


def test_a_probe_is_told_when_deletes_keep_failing(setting):
    setting.queue.failures = [ServiceUnavailable("down")] * 1000
    setting.handled(1)
    setting.drain(budget=30)
    (problem,) = setting.acknowledger.problems(setting.clock.monotonic())
    assert "handled messages have not been deleted for" in problem
