from datetime import timedelta
from threading import Event

import pytest
from tests.unit.application.consumer.test_consumer import Setting, until

from blackcat import Message, Reject
from blackcat.application.consumer.measured import Backlog, Measured
from blackcat.errors import Throttled
from blackcat.resources import QueueResource
from blackcat.testing import FrozenClock, InMemoryBroker, InMemoryMetrics

CLOCK = FrozenClock()
START = CLOCK.now()


@pytest.fixture
def recorded():
    with InMemoryMetrics() as metrics:
        yield metrics


def measured(counts):
    return Measured(counts=lambda: counts, in_flight=lambda: 3, clock=CLOCK)


def test_what_the_consumer_counts_anyway_is_read_when_it_is_asked_for(recorded):
    counts = {"handled": 1, "retried": 0}
    measured(counts)
    counts["handled"] = 5
    assert recorded.counted("blackcat_messages_handled") == 5
    assert recorded.gauged("blackcat_messages_in_flight") == 3


def test_without_metrics_it_says_so():
    assert not measured({}).enabled


@pytest.mark.parametrize(("sent", "age"), [(timedelta(seconds=-90), 90.0), (timedelta(seconds=5), 0.0)])
def test_the_age_of_a_message_is_never_negative_whatever_the_sender_s_clock(recorded, sent, age):
    measured({}).began(Message(id="1", body="", sent_at=START + sent))
    assert recorded.observed("blackcat_queue_age_seconds") == [age]


def test_a_message_without_a_time_has_no_age(recorded):
    numbers = measured({})
    numbers.ended(numbers.began(Message(id="1", body="")))
    assert recorded.observed("blackcat_queue_age_seconds") == []
    assert len(recorded.observed("blackcat_handler_duration_seconds")) == 1


def backlog(broker, means):
    return Backlog(
        broker=broker, queue_name="orders", concurrency=4, mean_duration=lambda: means.pop(0), every=60
    )


@pytest.fixture
def broker():
    made = InMemoryBroker(CLOCK)
    made.create(QueueResource("orders"))
    return made


class Strained(InMemoryBroker):
    def depth(self, name):
        raise Throttled("slow down", service="sqs", operation="GetQueueAttributes", resource=name)


def test_the_backlog_costs_what_handlers_took_lately(recorded, broker):
    queue = broker.queue("orders")
    for _ in range(20):
        queue.send("x")
    numbers = backlog(broker, [None, 0.5, None])
    numbers.measure()
    assert recorded.gauged("blackcat_queue_backlog") == 20
    assert recorded.gauged("blackcat_queue_backlog_seconds") is None
    numbers.measure()
    assert recorded.gauged("blackcat_queue_backlog_seconds") == 20 * 0.5 / 4
    queue.send("x")
    numbers.measure()
    assert recorded.gauged("blackcat_queue_backlog_seconds") == 21 * 0.5 / 4


def test_a_depth_that_is_not_told_ends_nothing(recorded, caplog):
    backlog(Strained(), [1.0]).measure()
    assert recorded.gauged("blackcat_queue_backlog") is None
    assert [record.message for record in caplog.records] == ["backlog.not_measured"]


def handle(payload: dict) -> None:
    if payload["n"] == 0:
        raise Reject("no")
    if payload["n"] == 1:
        raise ValueError("not yet")


def test_each_message_is_in_the_numbers_of_a_consumer(recorded):
    setting = Setting(handle)
    for number in range(10):
        setting.queue.send({"n": number})
    with setting.running():
        until(lambda: recorded.counted("blackcat_messages_handled") == 8, "eight handled messages")
        until(lambda: recorded.counted("blackcat_messages_retried") == 1, "one retried message")
        until(lambda: recorded.counted("blackcat_messages_rejected") == 1, "one rejected message")
        until(lambda: recorded.gauged("blackcat_queue_backlog") is not None, "the backlog")
    assert recorded.counted("blackcat_messages_received") == 10
    assert len(recorded.observed("blackcat_handler_duration_seconds")) == 10
    assert recorded.observed("blackcat_queue_age_seconds") == [0.0] * 10


class Flickering(InMemoryBroker):
    """Its depth is not told whenever it is ``away``."""

    away = False

    def depth(self, name):
        if self.away:
            raise Throttled("slow down", service="sqs", operation="GetQueueAttributes", resource=name)
        return super().depth(name)


def test_a_backlog_that_was_not_measured_is_not_told_as_now(recorded):
    flickering = Flickering(CLOCK)
    flickering.create(QueueResource("orders"))
    numbers = backlog(flickering, [0.5, 0.5])
    numbers.measure()
    assert recorded.gauged("blackcat_queue_backlog") == 0
    flickering.away = True
    numbers.measure()
    assert recorded.gauged("blackcat_queue_backlog") is None
    assert recorded.gauged("blackcat_queue_backlog_seconds") is None
    flickering.away = False
    numbers.measure()
    assert recorded.gauged("blackcat_queue_backlog") == 0


def test_while_aws_does_not_answer_the_last_backlog_is_not_told_as_now(recorded):
    seconds = 0.0
    told_after = {}

    class Hanging(InMemoryBroker):
        def depth(self, name):
            nonlocal seconds
            began = seconds
            for waited in (0.0, 1.0, 60.0):
                seconds = began + waited
                told_after[waited] = recorded.gauged("blackcat_queue_backlog")
            return super().depth(name)

    hanging = Hanging(CLOCK)
    hanging.create(QueueResource("orders"))
    numbers = Backlog(
        broker=hanging,
        queue_name="orders",
        concurrency=4,
        mean_duration=lambda: None,
        every=60,
        seconds=lambda: seconds,
    )
    numbers.measure()
    numbers.measure()
    assert told_after == {0.0: 0, 1.0: 0, 60.0: None}
    assert recorded.gauged("blackcat_queue_backlog") == 0


def test_a_process_that_stopped_tells_no_backlog_with_its_last_numbers(recorded, broker):
    numbers = backlog(broker, [None])
    stopping = Event()
    stopping.set()
    numbers.run(stopping)
    assert recorded.gauged("blackcat_queue_backlog") is None


def test_consumers_made_while_nothing_is_kept_are_not_asked_later():
    measured({"ghosts": 7})
    with InMemoryMetrics() as recorded:
        assert recorded.counted("blackcat_messages_ghosts") == 0
