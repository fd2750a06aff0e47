import logging
import threading
from datetime import timedelta

import pytest

from blackcat import Handled, Message, Rejected, RetryPolicy, Service, ServiceType
from blackcat.domain.outcome import Deferred, Retried
from blackcat.entrypoints.aws_lambda.settling import Settling
from blackcat.errors import AccessDenied
from blackcat.resources import QueueResource
from blackcat.testing import FrozenClock, InMemoryBroker

ORDERS = Service(
    name="orders",
    type=ServiceType.CONSUMER,
    entrypoint="orders:handle",
    queue_name="orders",
    retry=RetryPolicy(base=timedelta(seconds=10), longest=timedelta(seconds=10)),
)


@pytest.fixture
def clock():
    return FrozenClock()


@pytest.fixture
def broker(clock):
    broker = InMemoryBroker(clock)
    broker.create(QueueResource("orders", visibility_timeout=timedelta(minutes=3)))
    return broker


@pytest.fixture
def settling(broker):
    return Settling(ORDERS, version="7", broker=lambda: broker)


@pytest.fixture
def received(broker):
    broker.queue("orders").send({"order_id": 1})
    [message] = broker.queue("orders").receive()
    return message


def waiting(broker, name="orders"):
    return broker.queue(name).receive()


def test_what_is_handled_is_lambdas_to_delete_and_opens_nothing():
    def refuse():
        raise AssertionError("nothing is to be opened")

    assert Settling(ORDERS, version="", broker=refuse).settle("orders", Message(id="1", body=""), Handled())


@pytest.mark.parametrize(
    "outcome", [Retried("later", after=timedelta(seconds=20)), Deferred("busy", timedelta(seconds=20))]
)
def test_a_chosen_delay_is_the_messages_visibility(settling, broker, clock, received, outcome):
    assert not settling.settle("orders", received, outcome)
    clock.advance(timedelta(seconds=19))
    assert not waiting(broker)
    clock.advance(timedelta(seconds=1))
    assert waiting(broker)


def test_a_failure_comes_back_after_the_services_backoff(settling, broker, clock, received):
    assert not settling.settle("orders", received, Retried("failed", ValueError("failed")))
    clock.advance(timedelta(seconds=10))
    assert waiting(broker)


def test_what_is_rejected_stands_in_the_dead_letter_queue_and_is_done(settling, broker, received):
    assert settling.settle("orders", received, Rejected("no such order"))
    [letter] = waiting(broker, "orders_dlq")
    assert letter.body == received.body
    assert letter.attributes["blackcat.reason"].value == "no such order"
    assert letter.attributes["blackcat.service"].value == "orders"
    assert letter.attributes["blackcat.version"].value == "7"


def test_without_a_dead_letter_queue_what_is_rejected_stays(broker, clock):
    broker.create(QueueResource("alone", max_receive_count=None))
    broker.queue("alone").send("x")
    [message] = waiting(broker, "alone")
    settling = Settling(ORDERS, version="", broker=lambda: broker)
    assert not settling.settle("alone", message, Rejected("no"))
    clock.advance(timedelta(seconds=10))
    assert waiting(broker, "alone")


def test_what_was_not_begun_comes_back_at_once(settling, broker, received):
    settling.release("orders", [received])
    assert [message.id for message in waiting(broker)] == [received.id]


@pytest.mark.parametrize(("queue", "receipt"), [("", "r"), ("orders", "")])
def test_without_a_receipt_or_queue_a_message_comes_back_by_itself(settling, queue, receipt):
    message = Message(id="1", body="", receipt=receipt)
    assert not settling.settle(queue, message, Retried("failed"))
    settling.release(queue, [message])


def test_a_queue_that_may_not_be_asked_is_told_once_and_the_message_comes_back(caplog):
    class Denied(InMemoryBroker):
        def describe(self, name):
            raise AccessDenied("no", service="sqs", operation="GetQueueAttributes", resource=name)

    settling = Settling(ORDERS, version="", broker=Denied)
    with caplog.at_level(logging.ERROR):
        for number in range(3):
            message = Message(id=str(number), body="", receipt=str(number))
            assert not settling.settle("orders", message, Rejected("no"))
    assert [line.message for line in caplog.records] == ["queue.not_opened"]


def test_a_queue_that_is_open_is_used_while_another_one_does_not_answer(broker, received):
    asked, let_go = threading.Event(), threading.Event()

    class Hanging(InMemoryBroker):
        def describe(self, name):
            if name == "orders":
                return broker.describe(name)
            asked.set()
            assert let_go.wait(60)
            return super().describe(name)

        def queue(self, name):
            return broker.queue(name)

    settling = Settling(ORDERS, version="", broker=Hanging)
    settling.release("orders", [])
    settling.settle("orders", received, Retried("later", after=timedelta(0)))
    [again] = waiting(broker)
    message = Message(id="1", body="", receipt="r")
    opening = threading.Thread(target=settling.release, args=["other", [message]], daemon=True)
    opening.start()
    assert asked.wait(60)
    settled = threading.Thread(
        target=settling.settle, args=["orders", again, Retried("", after=timedelta(0))], daemon=True
    )
    settled.start()
    settled.join(3)
    assert not settled.is_alive()
    let_go.set()
    opening.join(60)


def test_a_message_whose_time_is_over_is_left_to_its_next_receiver(settling, broker, received):
    received.lease.lose()
    assert not settling.settle("orders", received, Rejected("no"))
    assert not waiting(broker, "orders_dlq")
