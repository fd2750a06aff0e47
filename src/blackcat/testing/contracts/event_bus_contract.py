"""What every event bus does."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from blackcat.application.ports import EventBus, Queue
from blackcat.domain.envelope import unwrapped
from blackcat.domain.message import Attribute, Message
from blackcat.domain.outgoing_event import OutgoingEvent
from blackcat.errors import EncodingError, InvalidMessage
from blackcat.resources import BusRule, EventBusResource, QueueResource

Connect = Callable[[BusRule, QueueResource], tuple[EventBus, Queue]]


@dataclass(frozen=True)
class Paid:
    payment_id: uuid.UUID
    amount: Decimal
    customer: str


class EventBusContract:
    """Inherit it, and give the fixture ``connect``.

    It is a function that takes a BusRule and a QueueResource, creates the bus and the queue, ties them
    by the rule, and returns both.
    """

    @pytest.fixture
    def connected(self, connect: Connect) -> tuple[EventBus, Queue]:
        """A bus, and a queue that receives the events of the source ``shop``."""
        return _connected(connect, {"source": ["shop"]})

    def test_what_is_put_arrives(self, connected: tuple[EventBus, Queue]) -> None:
        bus, queue = connected
        payment = uuid.uuid4()
        event_id = bus.put(Paid(payment, Decimal("9.90"), "São João"), source="shop", detail_type="Paid")
        message = unwrapped(_receive(queue, 1)[0])
        assert json.loads(message.body) == {
            "payment_id": str(payment),
            "amount": "9.90",
            "customer": "São João",
        }
        assert message.attributes == {"detail-type": Attribute("Paid"), "source": Attribute("shop")}
        assert message.envelope is not None
        assert (message.envelope.id, message.envelope.source) == (event_id, "shop")

    def test_an_event_tells_its_resources(self, connected: tuple[EventBus, Queue]) -> None:
        bus, queue = connected
        resources = ["arn:aws:s3:::invoices", "arn:aws:s3:::receipts"]
        bus.put({}, source="shop", detail_type="Paid", resources=resources)
        assert json.loads(_receive(queue, 1)[0].body)["resources"] == resources

    def test_an_event_tells_its_time(self, connected: tuple[EventBus, Queue]) -> None:
        bus, queue = connected
        moment = datetime(2030, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=-3)))
        bus.put({}, source="shop", detail_type="Paid", time=moment)
        assert json.loads(_receive(queue, 1)[0].body)["time"] == "2030-01-02T06:04:05Z"

    def test_an_event_of_no_rule_goes_nowhere(self, connected: tuple[EventBus, Queue]) -> None:
        bus, queue = connected
        bus.put({"n": 1}, source="another", detail_type="Paid")
        bus.put({"n": 2}, source="shop", detail_type="Paid")
        assert [unwrapped(message).body for message in _receive(queue, 1)] == ['{"n": 2}']

    @pytest.mark.parametrize(
        ("wanted", "matching", "other"),
        [
            ({"state": ["paid", "refunded"]}, {"state": "paid"}, {"state": "open"}),
            ({"tags": ["a"]}, {"tags": ["b", "a"]}, {"tags": ["b"]}),
            ({"amount": [10]}, {"amount": 10}, {"amount": "10"}),
            ({"late": [True]}, {"late": True}, {"late": 1}),
            ({"note": [None]}, {"note": None}, {}),
            ({"by": {"name": [{"prefix": "An"}]}}, {"by": {"name": "Ana"}}, {"by": {"name": "Bia"}}),
            ({"name": [{"suffix": ".pdf"}]}, {"name": "a.pdf"}, {"name": "pdf.a"}),
            ({"name": [{"equals-ignore-case": "ana"}]}, {"name": "ANA"}, {"name": "anas"}),
            ({"state": [{"anything-but": ["open", "paid"]}]}, {"state": "lost"}, {"state": "paid"}),
            ({"state": [{"anything-but": {"prefix": "o"}}]}, {"state": "paid"}, {"state": "open"}),
            ({"amount": [{"numeric": [">", 5, "<=", 10]}]}, {"amount": 10}, {"amount": 5}),
            ({"refund": [{"exists": True}]}, {"refund": None}, {}),
            ({"refund": [{"exists": False}]}, {}, {"refund": 1}),
            ({"$or": [{"a": [1]}, {"b": [1]}]}, {"b": 1}, {"a": 2, "b": 2}),
        ],
        ids=[
            "text",
            "list",
            "number",
            "true",
            "null",
            "prefix",
            "suffix",
            "equals-ignore-case",
            "anything-but",
            "anything-but-prefix",
            "numeric",
            "exists",
            "exists-not",
            "or",
        ],
    )
    def test_a_pattern_chooses(
        self, connect: Connect, wanted: Any, matching: dict[str, Any], other: dict[str, Any]
    ) -> None:
        bus, queue = _connected(connect, {"source": ["shop"], "detail": wanted})
        for detail in (other, matching):
            bus.put(detail, source="shop", detail_type="Paid")
        assert [json.loads(unwrapped(message).body) for message in _receive(queue, 1)] == [matching]
        assert not queue.receive()

    def test_batches_may_have_any_size(self, connected: tuple[EventBus, Queue]) -> None:
        bus, queue = connected
        result = bus.put_batch(_event({"n": number}) for number in range(12))
        assert list(result.succeeded) == list(range(12))
        assert len(set(result.succeeded.values())) == 12
        assert result.failed == ()
        found = {json.loads(unwrapped(message).body)["n"] for message in _receive(queue, 12)}
        assert found == set(range(12))

    def test_batches_may_be_larger_than_one_call_takes(self, connected: tuple[EventBus, Queue]) -> None:
        bus, _ = connected
        result = bus.put_batch(_event({"text": "x" * 400_000}) for _ in range(3))
        assert list(result.succeeded) == [0, 1, 2]

    def test_an_empty_batch_does_nothing(self, connected: tuple[EventBus, Queue]) -> None:
        bus, _ = connected
        assert bus.put_batch([]).succeeded == {}

    def test_what_no_bus_takes_is_not_put(self, connected: tuple[EventBus, Queue]) -> None:
        bus, queue = connected
        with pytest.raises(EncodingError):
            bus.put(object(), source="shop", detail_type="Paid")
        with pytest.raises(InvalidMessage, match="JSON object"):
            bus.put(["a"], source="shop", detail_type="Paid")
        with pytest.raises(InvalidMessage, match="1000000"):
            bus.put({"text": "x" * 1_000_000}, source="shop", detail_type="Paid")
        with pytest.raises(InvalidMessage, match="aws"):
            bus.put({}, source="aws.s3", detail_type="Paid")
        with pytest.raises(InvalidMessage, match="detail_type"):
            bus.put({}, source="shop", detail_type="")
        with pytest.raises(InvalidMessage, match="a list of ARNs"):
            bus.put({}, source="shop", detail_type="Paid", resources="arn:aws:s3:::invoices")
        late = datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-5)))
        with pytest.raises(InvalidMessage, match="UTC"):
            bus.put({}, source="shop", detail_type="Paid", time=late)
        with pytest.raises(InvalidMessage, match="float"):
            bus.put('{"amount": 1e999}', source="shop", detail_type="Paid")
        assert not queue.receive()


def _connected(connect: Connect, pattern: dict[str, Any]) -> tuple[EventBus, Queue]:
    return connect(EventBusResource(_unique()).rule(pattern=pattern), QueueResource(_unique()))


def _event(detail: Any) -> OutgoingEvent:
    return OutgoingEvent.of(detail, source="shop", detail_type="Paid")


def _receive(queue: Queue, count: int) -> Sequence[Message]:
    messages: list[Message] = []
    for _ in range(count + 5):
        messages += queue.receive(limit=min(10, count - len(messages)), wait=timedelta(seconds=1))
        if len(messages) == count:
            return messages
    raise AssertionError(f"{len(messages)} of {count} messages came")


def _unique() -> str:
    return f"contract-{uuid.uuid4().hex[:12]}"
