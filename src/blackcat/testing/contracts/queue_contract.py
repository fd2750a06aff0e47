"""What every queue does."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest

from blackcat.application.ports import Broker, Queue, QueueDepth, Visibility
from blackcat.domain.message import Attribute, Message
from blackcat.domain.outgoing import OutgoingMessage
from blackcat.errors import EncodingError, InvalidMessage, InvalidRequest, QueueNotFound
from blackcat.resources import QueueResource, dead_letter_name

HELD = timedelta(minutes=5)  # longer than any test takes
BRIEF = timedelta(seconds=1)

Create = Callable[[QueueResource], None]
Elapse = Callable[[float], None]


class QueueContract:
    """Inherit it, and give these fixtures:

    - ``broker``: the Broker under test;
    - ``create``: a function that creates a queue and its dead-letter queue from a QueueResource;
    - ``elapse`` (optional): a function that lets so many seconds pass, by sleeping unless you give
      one that moves the broker's clock.
    """

    @pytest.fixture
    def elapse(self) -> Elapse:
        return time.sleep

    @pytest.fixture
    def queue(self, broker: Broker, create: Create) -> Queue:
        """A standard queue that hides messages for longer than a test takes."""
        return _created(broker, create, QueueResource(_unique(), visibility_timeout=HELD))

    @pytest.fixture
    def fifo(self, broker: Broker, create: Create) -> Queue:
        """A FIFO queue with content based deduplication."""
        return _created(
            broker,
            create,
            QueueResource(f"{_unique()}.fifo", visibility_timeout=HELD, content_based_deduplication=True),
        )

    def test_what_is_sent_is_received(self, queue: Queue) -> None:
        message_id = queue.send(
            {"name": "São João", "amount": 3}, attributes={"kind": "a", "n": 2, "b": b"\x00"}
        )
        (message,) = _receive(queue, 1)
        assert message.id == message_id
        assert message.body == '{"name":"São João","amount":3}'
        assert message.attributes == {
            "kind": Attribute("a"),
            "n": Attribute("2", "Number"),
            "b": Attribute(b"\x00", "Binary"),
        }
        assert message.receive_count == 1
        assert message.sent_at is not None
        assert message.receipt

    def test_text_is_sent_as_it_is(self, queue: Queue) -> None:
        body = 'not json: "é\n\t🐈'
        queue.send(body)
        assert _receive(queue, 1)[0].body == body

    def test_a_whole_mebibyte_passes(self, queue: Queue) -> None:
        queue.send("x" * 1_048_576)
        assert len(_receive(queue, 1)[0].body) == 1_048_576

    def test_an_empty_queue_gives_nothing(self, queue: Queue) -> None:
        assert list(queue.receive()) == []

    def test_receive_waits_no_longer_than_asked(self, queue: Queue) -> None:
        assert list(queue.receive(wait=BRIEF)) == []

    def test_receive_keeps_to_its_limit(self, queue: Queue) -> None:
        queue.send_batch(OutgoingMessage(str(number)) for number in range(5))
        assert len(queue.receive(limit=2)) <= 2

    @pytest.mark.parametrize("limit", [0, 11])
    def test_receive_refuses_another_limit(self, queue: Queue, limit: int) -> None:
        with pytest.raises(InvalidRequest):
            queue.receive(limit=limit)

    def test_receive_refuses_a_longer_wait(self, queue: Queue) -> None:
        with pytest.raises(InvalidRequest):
            queue.receive(wait=timedelta(seconds=21))

    def test_a_held_message_is_hidden(self, queue: Queue) -> None:
        queue.send("x")
        _receive(queue, 1)
        assert list(queue.receive()) == []

    def test_a_deleted_message_is_gone(self, broker: Broker, queue: Queue) -> None:
        queue.send("x")
        (message,) = _receive(queue, 1)
        result = queue.delete([message.receipt])
        assert result.succeeded == {0: message.receipt}
        assert result.failed == ()
        assert broker.depth(queue.name) == QueueDepth(0, 0, 0)

    def test_a_released_message_comes_back_at_once(self, queue: Queue) -> None:
        queue.send("x")
        (first,) = _receive(queue, 1)
        assert queue.release([first.receipt]).succeeded == {0: first.receipt}
        (second,) = _receive(queue, 1)
        assert second.id == first.id
        assert second.receive_count == 2
        assert second.receipt != first.receipt

    def test_an_unhandled_message_comes_back(self, broker: Broker, create: Create, elapse: Elapse) -> None:
        queue = _created(broker, create, QueueResource(_unique(), visibility_timeout=BRIEF))
        queue.send("x")
        (first,) = _receive(queue, 1)
        elapse(1.1)
        (second,) = _receive(queue, 1)
        assert (second.id, second.receive_count) == (first.id, 2)

    def test_an_extended_message_stays_hidden(self, broker: Broker, create: Create, elapse: Elapse) -> None:
        queue = _created(broker, create, QueueResource(_unique(), visibility_timeout=BRIEF))
        queue.send("x")
        (message,) = _receive(queue, 1)
        assert queue.extend([Visibility(message.receipt, HELD)]).failed == ()
        elapse(1.1)
        assert list(queue.receive()) == []

    def test_a_receipt_ends_with_the_next_receive(self, queue: Queue) -> None:
        queue.send("x")
        (first,) = _receive(queue, 1)
        queue.release([first.receipt])
        (second,) = _receive(queue, 1)
        (failure,) = queue.extend([Visibility(first.receipt, HELD)]).failed
        assert not failure.transient
        assert queue.delete([second.receipt]).failed == ()

    def test_a_receipt_of_an_earlier_time_deletes_nothing(self, broker: Broker, queue: Queue) -> None:
        queue.send("x")
        (first,) = _receive(queue, 1)
        queue.release([first.receipt])
        (second,) = _receive(queue, 1)
        queue.delete([first.receipt])  # SQS answers that it succeeded
        assert broker.depth(queue.name).in_flight == 1
        queue.release([second.receipt])
        assert _receive(queue, 1)[0].id == first.id

    def test_a_batch_of_deletes_reports_each_entry_by_position(self, broker: Broker, queue: Queue) -> None:
        queue.send_batch([OutgoingMessage("a"), OutgoingMessage("b")])
        first, second = _receive(queue, 2)
        result = queue.delete([first.receipt, "never-given", second.receipt])
        assert result.succeeded == {0: first.receipt, 2: second.receipt}
        (failure,) = result.failed
        assert failure.index == 1
        assert failure.code
        assert not failure.transient
        assert broker.depth(queue.name).total == 0

    def test_a_batch_reports_each_entry_by_position(self, queue: Queue) -> None:
        queue.send_batch([OutgoingMessage("a"), OutgoingMessage("b")])
        first, second = _receive(queue, 2)
        receipts = [first.receipt, "never-given", second.receipt]
        result = queue.extend([Visibility(receipt, HELD) for receipt in receipts])
        assert set(result.succeeded) == {0, 2}
        (failure,) = result.failed
        assert failure.index == 1
        assert failure.code
        assert not failure.transient

    def test_batches_may_have_any_size(self, broker: Broker, queue: Queue) -> None:
        result = queue.send_batch(OutgoingMessage(str(number)) for number in range(25))
        assert list(result.succeeded) == list(range(25))
        assert len(set(result.succeeded.values())) == 25
        messages = _receive(queue, 25)
        assert {message.body for message in messages} == {str(number) for number in range(25)}
        assert {message.id for message in messages} == set(result.succeeded.values())
        assert len(queue.delete([message.receipt for message in messages]).succeeded) == 25
        assert broker.depth(queue.name).total == 0

    def test_batches_may_be_larger_than_one_call_takes(self, queue: Queue) -> None:
        result = queue.send_batch(OutgoingMessage("x" * 700_000) for _ in range(3))
        assert list(result.succeeded) == [0, 1, 2]

    def test_an_empty_batch_does_nothing(self, queue: Queue) -> None:
        for result in (queue.send_batch([]), queue.delete([]), queue.extend([]), queue.release([])):
            assert result.succeeded == {}
            assert result.failed == ()

    def test_depth_tells_waiting_and_held_and_delayed(self, broker: Broker, queue: Queue) -> None:
        queue.send_batch([OutgoingMessage("a"), OutgoingMessage("b")])
        queue.send("later", delay=HELD)
        _receive(queue, 1, limit=1)
        assert broker.depth(queue.name) == QueueDepth(waiting=1, in_flight=1, delayed=1)

    def test_a_delayed_message_comes_later(self, queue: Queue, elapse: Elapse) -> None:
        queue.send("x", delay=timedelta(seconds=1))
        assert list(queue.receive()) == []
        elapse(1.1)
        assert _receive(queue, 1)[0].body == "x"

    def test_a_queues_own_delay_holds_unless_a_message_says_otherwise(
        self, broker: Broker, create: Create
    ) -> None:
        queue = _created(broker, create, QueueResource(_unique(), delay=HELD))
        queue.send("later")
        queue.send("now", delay=timedelta(0))
        assert [message.body for message in _receive(queue, 1)] == ["now"]

    def test_what_fails_too_often_moves_to_the_dead_letter_queue(
        self, broker: Broker, create: Create
    ) -> None:
        resource = QueueResource(_unique(), visibility_timeout=HELD, max_receive_count=2)
        queue = _created(broker, create, resource)
        queue.send("poison", attributes={"kind": "bad"})
        for _ in range(2):
            (message,) = _receive(queue, 1)
            queue.release([message.receipt])
        assert list(queue.receive()) == []
        (dead,) = _receive(broker.queue(dead_letter_name(queue.name)), 1)
        assert (dead.id, dead.body, dead.attributes) == (message.id, "poison", message.attributes)

    def test_a_queue_describes_itself(self, broker: Broker, create: Create) -> None:
        resource = QueueResource(_unique(), visibility_timeout=HELD, max_receive_count=7)
        create(resource)
        description = broker.describe(resource.name)
        assert description.visibility_timeout == HELD
        assert description.dead_letter_queue == dead_letter_name(resource.name)
        assert description.max_receive_count == 7
        dead_letters = broker.describe(dead_letter_name(resource.name))
        assert (dead_letters.dead_letter_queue, dead_letters.max_receive_count) == (None, None)

    def test_a_missing_queue_is_named(self, broker: Broker) -> None:
        name = _unique()
        queue = broker.queue(name)
        for call in (queue.receive, lambda: queue.send("x"), lambda: broker.describe(name)):
            with pytest.raises(QueueNotFound, match=name):
                call()

    def test_a_queue_is_found_once_it_exists(self, broker: Broker, create: Create) -> None:
        queue = broker.queue(_unique())
        with pytest.raises(QueueNotFound):
            queue.send("x")
        create(QueueResource(queue.name))
        assert queue.send("x")

    def test_what_cannot_be_encoded_is_not_sent(self, broker: Broker, queue: Queue) -> None:
        with pytest.raises(EncodingError):
            queue.send({"when": object()})
        for body in ("", "\x00", "x" * 1_048_577):
            with pytest.raises(InvalidMessage):
                queue.send(body)
        assert broker.depth(queue.name).total == 0

    def test_a_lease_has_limits(self, queue: Queue) -> None:
        for timeout in (timedelta(seconds=-1), timedelta(hours=12, seconds=1)):
            with pytest.raises(InvalidRequest):
                queue.extend([Visibility("receipt", timeout)])

    def test_fifo_keeps_the_order_of_each_group(self, fifo: Queue) -> None:
        fifo.send_batch(
            OutgoingMessage(f"{group}{number}", group_id=group) for number in range(6) for group in "ab"
        )
        bodies = _drained(fifo, 12)
        assert [body for body in bodies if body[0] == "a"] == [f"a{number}" for number in range(6)]
        assert [body for body in bodies if body[0] == "b"] == [f"b{number}" for number in range(6)]

    def test_fifo_holds_a_group_back_while_one_of_it_is_held(self, fifo: Queue) -> None:
        for body in ("a0", "a1", "b0"):
            fifo.send(body, group_id=body[0])
        (first,) = _receive(fifo, 1, limit=1)
        assert (first.body, first.group_id) == ("a0", "a")
        assert [message.body for message in fifo.receive()] == ["b0"]
        fifo.delete([first.receipt])
        assert [message.body for message in _receive(fifo, 1)] == ["a1"]

    def test_fifo_gives_a_failed_message_again_before_later_ones(self, fifo: Queue) -> None:
        fifo.send_batch(OutgoingMessage(str(number), group_id="a") for number in range(3))
        held = _receive(fifo, 3)
        fifo.release([message.receipt for message in reversed(held)])
        assert _drained(fifo, 3) == ["0", "1", "2"]

    def test_fifo_drops_duplicates(self, broker: Broker, fifo: Queue) -> None:
        first = fifo.send("same", group_id="a")
        assert fifo.send("same", group_id="a") == first
        fifo.send("one", group_id="a", deduplication_id="id")
        fifo.send("other", group_id="a", deduplication_id="id")
        assert _drained(fifo, 2) == ["same", "one"]
        assert broker.depth(fifo.name).total == 0

    def test_fifo_remembers_a_deleted_message(self, broker: Broker, fifo: Queue) -> None:
        fifo.send("same", group_id="a")
        fifo.delete([_receive(fifo, 1)[0].receipt])
        fifo.send("same", group_id="a")
        assert broker.depth(fifo.name).total == 0

    def test_fifo_messages_carry_their_ids(self, fifo: Queue) -> None:
        fifo.send("x", group_id="a", deduplication_id="id")
        (message,) = _receive(fifo, 1)
        assert (message.group_id, message.deduplication_id) == ("a", "id")
        assert message.sequence_number

    def test_fifo_needs_a_group(self, fifo: Queue) -> None:
        with pytest.raises(InvalidMessage, match="group_id"):
            fifo.send("x")
        with pytest.raises(InvalidMessage, match="group_id"):
            fifo.send_batch([OutgoingMessage("x", group_id="a"), OutgoingMessage("y")])
        assert list(fifo.receive()) == []

    def test_fifo_takes_no_delay_per_message(self, fifo: Queue) -> None:
        with pytest.raises(InvalidMessage, match="delay"):
            fifo.send("x", group_id="a", delay=BRIEF)

    def test_fifo_needs_something_to_know_duplicates_by(self, broker: Broker, create: Create) -> None:
        fifo = _created(broker, create, QueueResource(f"{_unique()}.fifo"))
        with pytest.raises(InvalidRequest):
            fifo.send("x", group_id="a")
        (failure,) = fifo.send_batch([OutgoingMessage("x", group_id="a")]).failed
        assert not failure.transient

    def test_a_standard_queue_takes_a_group_but_no_deduplication(self, queue: Queue) -> None:
        queue.send("x", group_id="tenant")
        assert _receive(queue, 1)[0].group_id == "tenant"
        with pytest.raises(InvalidMessage, match="deduplication_id"):
            queue.send("x", deduplication_id="id")


def _created(broker: Broker, create: Create, resource: QueueResource) -> Queue:
    create(resource)
    return broker.queue(resource.name)


def _receive(queue: Queue, count: int, *, limit: int = 10) -> Sequence[Message]:
    """So many messages: a queue may give fewer at once than it holds."""
    messages: list[Message] = []
    for _ in range(count + 5):
        messages += queue.receive(limit=min(limit, count - len(messages)), wait=BRIEF)
        if len(messages) == count:
            return messages
    raise AssertionError(f"{len(messages)} of {count} messages came")


def _drained(queue: Queue, count: int) -> list[str]:
    """The bodies of so many messages, each deleted when it came: a held one would block its group."""
    bodies: list[str] = []
    while len(bodies) < count:
        message = _receive(queue, 1)[0]
        queue.delete([message.receipt])
        bodies.append(message.body)
    return bodies


def _unique() -> str:
    return f"contract-{uuid.uuid4().hex[:12]}"
