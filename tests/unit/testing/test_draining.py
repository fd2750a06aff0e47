"""Draining a queue in memory, by a clock that stands still."""

import json
from datetime import timedelta

import pytest

from blackcat.application.entrypoint import consumer_entrypoint
from blackcat.application.handler import MessageHandler
from blackcat.domain.outcome import HANDLED, Deferred, Handled, Rejected, Retried
from blackcat.resources import QueueResource
from blackcat.testing import FrozenClock, InMemoryBroker, drained

HOUR = timedelta(hours=1)


class Setting:
    def __init__(self, name="orders", **attributes):
        self.clock = FrozenClock()
        self.broker = InMemoryBroker(self.clock)
        self.queue = self.broker.create(QueueResource(name, **attributes))
        self.outcomes = {}

    def handle(self, message):
        return self.outcomes.get(json.loads(message.body)["id"], HANDLED)

    def drain(self, handle=None, **options):
        found = drained(
            self.queue.name, broker=self.broker, handle=handle or self.handle, service="orders", **options
        )
        return [json.loads(one.message.body)["id"] for one in found]

    @property
    def depth(self):
        return self.broker.depth(self.queue.name)


def raising(error):
    """A consumer's handling of messages, whose entrypoint raises that."""

    def entrypoint(payload: dict) -> None:
        raise error

    return MessageHandler(consumer_entrypoint(entrypoint, None, subject="consumer x"), json.loads)


def test_all_that_is_queued_is_handled_in_order_and_deleted():
    setting = Setting()
    for number in range(25):
        setting.queue.send({"id": number})
    assert setting.drain() == list(range(25))
    assert setting.depth.total == 0


def test_an_empty_queue_gives_nothing():
    assert Setting().drain() == []


def test_what_is_not_due_stays():
    setting = Setting()
    setting.queue.send({"id": 1}, delay=timedelta(minutes=5))
    assert setting.drain() == []
    setting.clock.advance(timedelta(minutes=5))
    assert setting.drain() == [1]


@pytest.mark.parametrize("outcome", [Retried("no", after=HOUR), Retried("no"), Deferred("not now", HOUR)])
def test_what_comes_back_is_there_for_the_next_drain_and_not_for_this_one(outcome):
    setting = Setting()
    setting.outcomes = {1: outcome}
    setting.queue.send({"id": 1})
    setting.queue.send({"id": 2})
    assert setting.drain() == [1, 2]
    assert setting.depth.waiting == 1
    assert setting.drain() == [1]


def test_drains_use_up_the_receives_of_a_message_that_fails():
    setting = Setting(max_receive_count=2)
    setting.outcomes = {1: Retried("no")}
    setting.queue.send({"id": 1})
    assert [setting.drain(), setting.drain(), setting.drain()] == [[1], [1], []]
    assert setting.broker.depth("orders_dlq").waiting == 1


def test_a_handler_that_outlasts_the_visibility_timeout_sees_its_message_once():
    setting = Setting(visibility_timeout=timedelta(seconds=30))
    setting.queue.send({"id": 1})

    def slow(message):
        setting.clock.advance(timedelta(minutes=30))
        return HANDLED

    assert setting.drain(slow) == [1]
    assert setting.depth.total == 0


def test_rejected_messages_go_to_the_dead_letters_with_a_redacted_reason():
    setting = Setting()
    setting.outcomes = {1: Rejected("card 4111 refused")}
    setting.queue.send({"id": 1})
    assert setting.drain(redact=lambda text: text.replace("4111", "***")) == [1]
    assert setting.depth.total == 0
    (letter,) = setting.broker.queue("orders_dlq").receive()
    assert letter.attributes["blackcat.reason"].value == "card *** refused"
    assert letter.attributes["blackcat.service"].value == "orders"


def test_without_dead_letters_a_rejected_message_stays():
    setting = Setting(max_receive_count=None)
    setting.outcomes = {1: Rejected("no")}
    setting.queue.send({"id": 1})
    assert setting.drain() == [1]
    assert setting.depth.waiting == 1


def test_after_a_failure_the_rest_of_its_group_stays_in_order():
    setting = Setting("orders.fifo", content_based_deduplication=True)
    setting.outcomes = {2: Retried("no")}
    for number in range(1, 5):
        setting.queue.send({"id": number}, group_id="a")
    setting.queue.send({"id": 9}, group_id="b")
    assert setting.drain() == [1, 2, 9]
    setting.outcomes = {}
    assert setting.drain() == [2, 3, 4]


def test_in_a_standard_queue_a_group_holds_nothing_up():
    setting = Setting()
    setting.outcomes = {1: Retried("no")}
    setting.queue.send({"id": 1}, group_id="a")
    setting.queue.send({"id": 2}, group_id="a")
    assert setting.drain() == [1, 2]


def test_a_handler_that_raises_gives_back_what_it_held():
    setting = Setting()
    setting.queue.send({"id": 1})

    def broken(message):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        setting.drain(broken)
    assert setting.depth.waiting == 1


@pytest.mark.parametrize("raised", [KeyboardInterrupt, pytest.fail.Exception, pytest.skip.Exception])
def test_what_is_no_error_of_the_handlers_comes_out(raised):
    setting = Setting()
    setting.queue.send({"id": 1})
    with pytest.raises(raised, match="enough"):
        setting.drain(raising(raised("enough")))
    assert setting.depth.waiting == 1


@pytest.mark.parametrize("raised", [SystemExit, AssertionError, RuntimeError])
def test_what_a_consumer_outlives_is_in_the_outcome(raised):
    setting = Setting()
    setting.queue.send({"id": 1})
    (one,) = drained("orders", broker=setting.broker, handle=raising(raised("no")), service="orders")
    assert isinstance(one.outcome, Retried)
    assert isinstance(one.outcome.error, raised)


def test_messages_that_send_one_another_end_it():
    setting = Setting()

    def endless(message):
        setting.queue.send({"id": 1})
        return HANDLED

    setting.queue.send({"id": 1})
    with pytest.raises(AssertionError, match="handled 5 messages and there are more"):
        setting.drain(endless, most=5)
    assert setting.depth.waiting == 1


def test_the_handler_sees_what_the_sender_wrote():
    setting = Setting()
    event = {
        "version": "0",
        "id": "1",
        "detail-type": "Placed",
        "source": "shop",
        "account": "1",
        "time": "2030-01-01T00:00:00Z",
        "region": "us-east-1",
        "detail": {"id": 3},
    }
    setting.queue.send(event)
    assert setting.drain() == [3]


def test_outcomes_are_told():
    setting = Setting()
    setting.queue.send({"id": 1})
    (one,) = drained("orders", broker=setting.broker, handle=setting.handle, service="orders")
    assert isinstance(one.outcome, Handled)
    assert one.message.receive_count == 1
