"""What every topic does."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest

from blackcat.application.ports import Queue, Topic
from blackcat.domain.envelope import unwrapped
from blackcat.domain.message import Attribute, Message
from blackcat.domain.outgoing import OutgoingMessage
from blackcat.errors import EncodingError, InvalidMessage, InvalidRequest
from blackcat.resources import QueueResource, Subscription, TopicResource

Connect = Callable[[Subscription, QueueResource], tuple[Topic, Queue]]


class TopicContract:
    """Inherit it, and give the fixture ``connect``.

    It is a function that takes a Subscription and a QueueResource, creates the topic and the queue,
    subscribes the one to the other, and returns both.
    """

    @pytest.fixture
    def connected(self, connect: Connect) -> tuple[Topic, Queue]:
        """A standard topic, and a queue that receives its messages in an envelope."""
        return connect(TopicResource(_unique()).subscription(), QueueResource(_unique()))

    @pytest.mark.parametrize("raw_delivery", [True, False])
    def test_what_is_published_arrives(self, connect: Connect, raw_delivery: bool) -> None:
        subscription = TopicResource(_unique()).subscription(raw_delivery=raw_delivery)
        topic, queue = connect(subscription, QueueResource(_unique()))
        assert topic.name == subscription.topic.name
        message_id = topic.publish({"name": "São João"}, attributes={"kind": "a", "n": 2})
        assert message_id
        (received,) = _receive(queue, 1)
        message = unwrapped(received)
        assert message.body == '{"name":"São João"}'
        assert message.attributes == {"kind": Attribute("a"), "n": Attribute("2", "Number")}
        assert (message.envelope is None) is raw_delivery

    def test_bytes_survive_the_envelope(self, connected: tuple[Topic, Queue]) -> None:
        topic, queue = connected
        topic.publish("x", attributes={"b": b"\x00\xff"})
        message = unwrapped(_receive(queue, 1)[0])
        assert message.attributes == {"b": Attribute(b"\x00\xff", "Binary")}

    def test_an_envelope_tells_where_it_came_from(self, connected: tuple[Topic, Queue]) -> None:
        topic, queue = connected
        message_id = topic.publish("hello")
        envelope = unwrapped(_receive(queue, 1)[0]).envelope
        assert envelope is not None
        assert envelope.id == message_id
        assert envelope.source.endswith(f":{topic.name}")

    def test_batches_may_have_any_size(self, connected: tuple[Topic, Queue]) -> None:
        topic, queue = connected
        result = topic.publish_batch(OutgoingMessage(str(number)) for number in range(12))
        assert list(result.succeeded) == list(range(12))
        assert result.failed == ()
        bodies = {unwrapped(message).body for message in _receive(queue, 12)}
        assert bodies == {str(number) for number in range(12)}

    def test_batches_may_be_larger_than_one_call_takes(self, connected: tuple[Topic, Queue]) -> None:
        topic, _ = connected
        result = topic.publish_batch(OutgoingMessage("x" * 200_000) for _ in range(3))
        assert list(result.succeeded) == [0, 1, 2]

    def test_an_empty_batch_does_nothing(self, connected: tuple[Topic, Queue]) -> None:
        topic, _ = connected
        assert topic.publish_batch([]).succeeded == {}

    def test_what_no_topic_takes_is_not_published(self, connected: tuple[Topic, Queue]) -> None:
        topic, queue = connected
        with pytest.raises(EncodingError):
            topic.publish(object())
        with pytest.raises(InvalidMessage, match="262144"):
            topic.publish("x" * 262_145)
        with pytest.raises(InvalidMessage, match="delay"):
            topic.publish_batch([OutgoingMessage("x", delay=timedelta(seconds=1))])
        with pytest.raises(InvalidMessage, match="deduplication_id"):
            topic.publish("x", deduplication_id="id")
        assert list(queue.receive()) == []

    def test_fifo_keeps_order_and_drops_duplicates(self, connect: Connect) -> None:
        topic, queue = connect(
            TopicResource(f"{_unique()}.fifo", content_based_deduplication=True).subscription(),
            QueueResource(f"{_unique()}.fifo"),
        )
        for body in ("0", "1", "1", "2"):
            topic.publish(body, group_id="a")
        messages = _receive(queue, 3)
        assert [unwrapped(message).body for message in messages] == ["0", "1", "2"]
        assert {message.group_id for message in messages} == {"a"}

    def test_fifo_needs_a_group(self, connect: Connect) -> None:
        topic, _ = connect(
            TopicResource(f"{_unique()}.fifo").subscription(), QueueResource(f"{_unique()}.fifo")
        )
        with pytest.raises(InvalidMessage, match="group_id"):
            topic.publish("x", deduplication_id="id")

    def test_fifo_needs_something_to_know_duplicates_by(self, connect: Connect) -> None:
        topic, _ = connect(
            TopicResource(f"{_unique()}.fifo").subscription(), QueueResource(f"{_unique()}.fifo")
        )
        with pytest.raises(InvalidRequest):
            topic.publish("x", group_id="a")
        (failure,) = topic.publish_batch([OutgoingMessage("x", group_id="a")]).failed
        assert not failure.transient


def _receive(queue: Queue, count: int) -> Sequence[Message]:
    messages: list[Message] = []
    for _ in range(count + 5):
        messages += queue.receive(limit=min(10, count - len(messages)), wait=timedelta(seconds=1))
        if len(messages) == count:
            return messages
    raise AssertionError(f"{len(messages)} of {count} messages came")


def _unique() -> str:
    return f"contract-{uuid.uuid4().hex[:12]}"
