"""What a settlement does with refusals that may be of a whole call, or of one entry."""

from datetime import timedelta
from random import Random

import pytest

from blackcat.application.consumer.leases import LeaseBook
from blackcat.application.consumer.settlement import Settlement
from blackcat.application.ports import BatchFailure, BatchResult
from blackcat.domain.message import Message
from blackcat.domain.retry import RetryPolicy
from blackcat.testing import FrozenClock


class ScriptedQueue:
    """Refuses what the script says: for each call the receipts, and whether trying again may help."""

    name = "orders"

    def __init__(self, script):
        self._script = list(script)
        self.asked = []

    def release(self, receipts):
        self.asked.append(list(receipts))
        refused, transient = self._script.pop(0) if self._script else ((), True)
        failed = [
            BatchFailure(index, "ExpiredToken", "expired", transient)
            for index, receipt in enumerate(receipts)
            if receipt in refused
        ]
        succeeded = {index: one for index, one in enumerate(receipts) if one not in refused}
        return BatchResult(succeeded, tuple(failed))


@pytest.fixture
def released():
    def release(queue, *receipts):
        clock = FrozenClock()
        settlement = Settlement(
            service="orders",
            version="",
            queue=queue,
            dead_letters=None,
            leases=LeaseBook(visibility=timedelta(seconds=30), longest=timedelta(seconds=900), clock=clock),
            acknowledge=lambda message: None,
            retry=RetryPolicy(),
            random=Random(1),
            redact=str,
            pause=lambda seconds: None,
        )
        settlement.release([Message(id=receipt, body="", receipt=receipt) for receipt in receipts])
        return queue.asked

    return release


def test_what_was_refused_once_is_released_again(released):
    assert released(ScriptedQueue([(("a", "b"), False)]), "a", "b", "c") == [["c", "b", "a"], ["b", "a"]]


def test_what_is_refused_for_good_is_given_up_after_the_second_time(released):
    queue = ScriptedQueue([(("a",), False)] * 9)
    assert released(queue, "a", "b") == [["b", "a"], ["a"]]


def test_what_fails_for_the_moment_is_tried_with_patience(released):
    queue = ScriptedQueue([(("a",), True)] * 9)
    assert released(queue, "a") == [["a"]] * 4
