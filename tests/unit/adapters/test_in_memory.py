"""What the in-memory adapters do beyond the contracts: time, and what emulators let pass."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from blackcat.application.ports import QueueDepth, Visibility
from blackcat.domain.outgoing import OutgoingMessage
from blackcat.resources import MAX_RETENTION, QueueResource, TopicResource, dead_letter_name
from blackcat.testing import FrozenClock, InMemoryBroker, InMemoryQueue, InMemoryTopic

MINUTE = timedelta(minutes=1)
LONG = timedelta(seconds=20)


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def broker(clock: FrozenClock) -> InMemoryBroker:
    return InMemoryBroker(clock)


@pytest.fixture
def queue(broker: InMemoryBroker) -> InMemoryQueue:
    return broker.create(QueueResource("orders", visibility_timeout=MINUTE))


@pytest.fixture
def fifo(broker: InMemoryBroker) -> InMemoryQueue:
    resource = QueueResource("ledger.fifo", visibility_timeout=MINUTE, content_based_deduplication=True)
    return broker.create(resource)


def test_a_frozen_clock_moves_when_told(clock: FrozenClock) -> None:
    before, ticks = clock.now(), clock.monotonic()
    clock.advance(MINUTE)
    assert clock.now() - before == MINUTE
    assert clock.monotonic() - ticks == 60


def test_an_expired_lease_cannot_be_extended(queue: InMemoryQueue, clock: FrozenClock) -> None:
    queue.send("x")
    (message,) = queue.receive()
    clock.advance(MINUTE)
    (failure,) = queue.extend([Visibility(message.receipt, MINUTE)]).failed
    assert (failure.code, failure.transient) == ("InvalidParameterValue", False)
    assert queue.receive()[0].receive_count == 2


def test_an_expired_message_is_deleted_by_its_last_receipt_only(
    broker: InMemoryBroker, queue: InMemoryQueue, clock: FrozenClock
) -> None:
    queue.send("x")
    (first,) = queue.receive()
    clock.advance(MINUTE)
    (second,) = queue.receive()
    clock.advance(MINUTE)
    assert not queue.delete([first.receipt]).failed  # as on AWS, although nothing is deleted
    assert broker.depth(queue.name).total == 1
    assert not queue.delete([second.receipt]).failed
    assert not queue.delete([second.receipt]).failed  # as on AWS, twice is as good as once


def test_fifo_deletes_nothing_after_the_lease(fifo: InMemoryQueue, clock: FrozenClock) -> None:
    fifo.send("x", group_id="a")
    (message,) = fifo.receive()
    clock.advance(MINUTE)
    (failure,) = fifo.delete([message.receipt]).failed
    assert "expired" in failure.reason
    assert len(fifo.receive()) == 1


def test_fifo_forgets_duplicates_after_five_minutes(fifo: InMemoryQueue, clock: FrozenClock) -> None:
    first = fifo.send("x", group_id="a")
    clock.advance(timedelta(minutes=4, seconds=59))
    assert fifo.send("x", group_id="a") == first
    clock.advance(timedelta(seconds=1))
    assert fifo.send("x", group_id="a") != first


def test_messages_end_with_their_retention(
    broker: InMemoryBroker, queue: InMemoryQueue, clock: FrozenClock
) -> None:
    queue.send("x")
    clock.advance(timedelta(days=4))
    assert broker.depth("orders") == QueueDepth(0, 0, 0)


def test_a_dead_letters_age_counts_on(
    broker: InMemoryBroker, queue: InMemoryQueue, clock: FrozenClock
) -> None:
    queue.send("x")
    clock.advance(timedelta(days=3))
    for _ in range(6):
        for message in queue.receive():
            queue.release([message.receipt])
    dead_letters = dead_letter_name("orders")
    assert broker.depth(dead_letters).waiting == 1
    clock.advance(MAX_RETENTION - timedelta(days=3))
    assert broker.depth(dead_letters).waiting == 0


def test_a_queue_created_again_keeps_its_messages(broker: InMemoryBroker, queue: InMemoryQueue) -> None:
    queue.send("x")
    broker.create(QueueResource("orders"))
    assert broker.depth("orders").waiting == 1


def test_a_waiting_receiver_wakes_with_the_message(queue: InMemoryQueue) -> None:
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(queue.receive, wait=LONG)
        queue.send("x")
        started = time.monotonic()
        assert [message.body for message in waiting.result()] == ["x"]
        assert time.monotonic() - started < LONG.total_seconds() / 2


def test_a_waiting_receiver_sees_the_clock_move(queue: InMemoryQueue, clock: FrozenClock) -> None:
    queue.send("x", delay=MINUTE)
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(queue.receive, wait=LONG)
        clock.advance(MINUTE)
        assert [message.body for message in waiting.result()] == ["x"]


def test_many_receivers_share_the_messages(queue: InMemoryQueue) -> None:
    queue.send_batch(OutgoingMessage(str(number)) for number in range(500))
    bodies: list[str] = []

    def drain() -> None:
        while messages := queue.receive():
            bodies.extend(message.body for message in messages)
            queue.delete([message.receipt for message in messages])

    threads = [threading.Thread(target=drain) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(bodies, key=int) == [str(number) for number in range(500)]


def test_a_topic_remembers_what_was_published() -> None:
    topic = InMemoryTopic(TopicResource("placed"))
    topic.publish({"id": 1}, attributes={"kind": "a"})
    topic.publish_batch([OutgoingMessage("second")])
    assert [message.body for message in topic.published] == ['{"id":1}', "second"]


def test_a_fifo_topic_feeds_standard_queues_too(queue: InMemoryQueue) -> None:
    topic = InMemoryTopic(TopicResource("placed.fifo"))
    topic.subscribe(queue, raw_delivery=True)
    topic.publish("x", group_id="a", deduplication_id="id")
    (message,) = queue.receive()
    assert (message.body, message.group_id, message.deduplication_id) == ("x", "a", None)
