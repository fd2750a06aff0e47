"""The stand-in speaks to boto3 as SQS does, and its faults are what they say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

from blackcat.resources import QueueResource
from chaos.faults import Fault, FaultPlan
from chaos.history import Recorder
from chaos.queues import RecordedQueues
from chaos.standin import REGION, StandIn

ORDERS = QueueResource("orders", visibility_timeout=timedelta(seconds=30), max_receive_count=3)
Opened = tuple[Any, str, Recorder]


@contextmanager
def opened(**scripted: Fault) -> Iterator[Opened]:
    """A client of boto3 that tries once, the queue's address, and what is recorded."""
    recorder = Recorder()
    plan = FaultPlan(scripted={(operation, 1): fault for operation, fault in scripted.items()})
    standin = StandIn(RecordedQueues(ORDERS, recorder), recorder, plan, lambda *call: None)
    with standin.listening():
        sqs = boto3.client(
            "sqs",
            region_name=REGION,
            endpoint_url=standin.url,
            aws_access_key_id="TESTER",
            aws_secret_access_key="secret",
            config=Config(retries={"total_max_attempts": 1}),
        )
        yield sqs, sqs.get_queue_url(QueueName="orders")["QueueUrl"], recorder
        sqs.close()


@pytest.fixture
def queue() -> Iterator[Opened]:
    with opened() as found:
        yield found


def test_a_message_makes_its_way(queue: Opened) -> None:
    sqs, url, recorder = queue
    attributes = {
        "label": {"DataType": "String", "StringValue": "m"},
        "raw": {"DataType": "Binary", "BinaryValue": b"\x00"},
    }
    sqs.send_message_batch(
        QueueUrl=url, Entries=[{"Id": "0", "MessageBody": "text", "MessageAttributes": attributes}]
    )
    answer = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5, MessageAttributeNames=["All"])
    message = answer["Messages"][0]
    assert message["Body"] == "text"
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"
    assert message["MessageAttributes"] == attributes
    receipt = message["ReceiptHandle"]
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=receipt, VisibilityTimeout=60)
    sqs.delete_message_batch(QueueUrl=url, Entries=[{"Id": "0", "ReceiptHandle": receipt}])
    assert (
        sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"][
            "ApproximateNumberOfMessages"
        ]
        == "0"
    )
    told = [(event.kind, event.client, event.label) for event in recorder.events() if event.kind != "polled"]
    assert told == [(kind, "TESTER", "m") for kind in ("sent", "received", "hidden", "deleted")]
    assert len({event.connection for event in recorder.events()}) == 1


def test_a_long_poll_ends_empty(queue: Opened) -> None:
    sqs, url, _ = queue
    assert "Messages" not in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1)


def test_an_unknown_queue_does_not_exist(queue: Opened) -> None:
    sqs, _, _ = queue
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.get_queue_url(QueueName="unknown")


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("throttled", "RequestThrottled"),
        ("internal-error", "InternalError"),
        ("unavailable", "ServiceUnavailable"),
        ("expired-token", "ExpiredToken"),
        ("clock-skew", "SignatureDoesNotMatch"),
    ],
)
def test_a_refusal_has_no_effect(kind: Any, code: str) -> None:
    with opened(SendMessage=Fault(kind)) as (sqs, url, recorder):
        with pytest.raises(ClientError) as caught:
            sqs.send_message(QueueUrl=url, MessageBody="text")
        assert caught.value.response["Error"]["Code"] == code
        assert [event.kind for event in recorder.events()] == ["fault"]


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("reset-before", ["fault"]),
        ("reset-after", ["fault", "sent"]),
        ("silent-before", ["fault"]),
        ("silent-after", ["fault", "sent"]),
    ],
)
def test_a_connection_ends_before_or_after_the_effect(kind: Any, told: list[str]) -> None:
    with opened(SendMessage=Fault(kind, seconds=0.1)) as (sqs, url, recorder):
        with pytest.raises(ConnectionClosedError):
            sqs.send_message(QueueUrl=url, MessageBody="text")
        assert [event.kind for event in recorder.events()] == told


@pytest.mark.parametrize(("kind", "sender"), [("partial", False), ("partial-sender", True)])
def test_some_entries_of_a_batch_fail(
    kind: Any, sender: bool, fill: Callable[[Any, str, int], list[str]]
) -> None:
    with opened(DeleteMessageBatch=Fault(kind, seed=3)) as (sqs, url, recorder):
        entries = [{"Id": str(n), "ReceiptHandle": r} for n, r in enumerate(fill(sqs, url, 5))]
        answer = sqs.delete_message_batch(QueueUrl=url, Entries=entries)
        assert {entry["SenderFault"] for entry in answer["Failed"]} == {sender}
        effects = [event.effect for event in recorder.events() if event.kind == "deleted"]
        assert effects.count(False) == len(answer["Failed"])
        assert effects.count(True) == len(answer.get("Successful", ()))


def test_a_message_is_delivered_twice_at_once() -> None:
    with opened(ReceiveMessage=Fault("duplicate")) as (sqs, url, _):
        sqs.send_message(QueueUrl=url, MessageBody="text")
        first, second = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
        assert first["MessageId"] == second["MessageId"]
        assert first["ReceiptHandle"] != second["ReceiptHandle"]
        sqs.delete_message(QueueUrl=url, ReceiptHandle=second["ReceiptHandle"])
        assert "Messages" not in sqs.receive_message(QueueUrl=url)


def test_a_duplicate_never_exceeds_what_was_asked_for() -> None:
    with opened(ReceiveMessage=Fault("duplicate")) as (sqs, url, _):
        sqs.send_message(QueueUrl=url, MessageBody="text")
        (first,) = sqs.receive_message(QueueUrl=url)["Messages"]
        (second,) = sqs.receive_message(QueueUrl=url)["Messages"]
        assert first["MessageId"] == second["MessageId"]


def test_a_receipt_ends_early() -> None:
    with opened(ReceiveMessage=Fault("early-expiry")) as (sqs, url, recorder):
        sqs.send_message(QueueUrl=url, MessageBody="text")
        (first,) = sqs.receive_message(QueueUrl=url)["Messages"]
        (again,) = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=10)["Messages"]
        assert again["MessageId"] == first["MessageId"]
        assert "expired" in [event.kind for event in recorder.events()]


@pytest.fixture
def fill() -> Callable[[Any, str, int], list[str]]:
    """Send messages and receive them; returns their receipts."""

    def sent_and_received(sqs: Any, url: str, count: int) -> list[str]:
        for number in range(count):
            sqs.send_message(QueueUrl=url, MessageBody=str(number))
        messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=count)["Messages"]
        return [message["ReceiptHandle"] for message in messages]

    return sent_and_received
