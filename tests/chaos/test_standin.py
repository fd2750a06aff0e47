"""The stand-in speaks to boto3 as SQS does, and its faults are what they say."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

from blackcat.adapters_aws import AwsOptions, DynamoTable, SqsBroker
from blackcat.adapters_aws.clients import Transport
from blackcat.domain.outgoing import MAX_MESSAGE_BYTES
from blackcat.errors import AccessDenied, ConditionFailed
from blackcat.resources import QueueResource, TableResource
from chaos.faults import SKEW_SECONDS, SKEWED, Fault, FaultPlan
from chaos.history import Recorder
from chaos.queues import RecordedQueues
from chaos.standin import REGION, StandIn

ORDERS = QueueResource("orders", visibility_timeout=timedelta(seconds=30), max_receive_count=3)
TRANSPORTS: tuple[Transport, ...] = ("boto3", "lean")
Opened = tuple[Any, str, Recorder]


@contextmanager
def opened(**scripted: Fault) -> Iterator[Opened]:
    """A client of boto3 that tries once, the queue's address, and what is recorded."""
    recorder = Recorder()
    plan = FaultPlan(scripted={(operation, 1): fault for operation, fault in scripted.items()})
    with opened_on(RecordedQueues(ORDERS, recorder), recorder, plan) as (sqs, url):
        yield sqs, url, recorder


@contextmanager
def opened_on(
    queues: RecordedQueues, recorder: Recorder, plan: FaultPlan | None = None
) -> Iterator[tuple[Any, str]]:
    standin = StandIn(queues, recorder, plan or FaultPlan(), lambda *call: None)
    with standin.listening():
        sqs = boto3.client(
            "sqs",
            region_name=REGION,
            endpoint_url=standin.url,
            aws_access_key_id="TESTER",
            aws_secret_access_key="secret",
            config=Config(retries={"total_max_attempts": 1}),
        )
        yield sqs, sqs.get_queue_url(QueueName="orders")["QueueUrl"]
        sqs.close()


@contextmanager
def credentials() -> Iterator[None]:
    """Credentials for the adapters, in the environment as everywhere."""
    ours = {"AWS_ACCESS_KEY_ID": "TESTER", "AWS_SECRET_ACCESS_KEY": "secret"}
    before = {name: os.environ.get(name) for name in ours}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            os.environ.update({name: value} if value is not None else {})


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
        ("request-expired", "RequestExpired"),
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


@pytest.mark.parametrize("kind", SKEWED)
def test_an_answer_about_the_time_tells_the_time(kind: Any) -> None:
    with opened(SendMessage=Fault(kind)) as (sqs, url, _):
        with pytest.raises(ClientError) as caught:
            sqs.send_message(QueueUrl=url, MessageBody="text")
        refused = caught.value.response["ResponseMetadata"]["HTTPHeaders"]["date"]
        answered = sqs.send_message(QueueUrl=url, MessageBody="text")["ResponseMetadata"]["HTTPHeaders"][
            "date"
        ]
        ahead = parsedate_to_datetime(refused) - parsedate_to_datetime(answered)
        assert abs(ahead.total_seconds() - SKEW_SECONDS) < 60


def test_both_transports_take_a_wrong_clock_alike_and_go_on_when_it_is_right() -> None:
    told = {transport: refusals_by_a_clock_ahead(transport) for transport in TRANSPORTS}
    assert told["boto3"][0] == told["lean"][0] == (AccessDenied, "SignatureDoesNotMatch")
    # botocore does not sign anew with the server's time, nor does it try again.
    assert told["boto3"][1] == told["lean"][1] == 1


def refusals_by_a_clock_ahead(transport: Transport) -> tuple[tuple[type, str], int]:
    """The error that a poll gets, and how often it was tried; a poll after that gets its message."""
    recorder = Recorder()
    standin = StandIn(RecordedQueues(ORDERS, recorder), recorder, FaultPlan(), lambda *call: None)
    with standin.listening(), credentials():
        queue = SqsBroker(AwsOptions(region=REGION, endpoint_url=standin.url, sqs_transport=transport)).queue(
            "orders"
        )
        queue.send("text")
        standin.ahead = SKEW_SECONDS
        with pytest.raises(AccessDenied, match="the machine's clock") as caught:
            queue.receive()
        standin.ahead = 0.0
        assert [message.body for message in queue.receive(wait=timedelta(seconds=5))] == ["text"]
    tries = sum(event.kind == "fault" for event in recorder.events())
    return (type(caught.value), caught.value.code), tries


def test_a_queue_goes_and_comes_back_empty() -> None:
    queues = RecordedQueues(ORDERS, recorder := Recorder())
    with opened_on(queues, recorder) as (sqs, url):
        sqs.send_message(QueueUrl=url, MessageBody="text")
        queues.delete_queue()
        with pytest.raises(sqs.exceptions.QueueDoesNotExist):
            sqs.receive_message(QueueUrl=url)
        queues.create_queue()
        assert "Messages" not in sqs.receive_message(QueueUrl=url)
    kinds = [event.kind for event in recorder.events()]
    assert kinds.count("discarded") == kinds.count("missed") == 1


def test_a_purge_leaves_nothing_in_flight_either(fill: Callable[[Any, str, int], list[str]]) -> None:
    queues = RecordedQueues(ORDERS, recorder := Recorder())
    with opened_on(queues, recorder) as (sqs, url):
        fill(sqs, url, 2)
        sqs.send_message(QueueUrl=url, MessageBody="text")
        queues.purge()
        assert "Messages" not in sqs.receive_message(QueueUrl=url)
    assert [event.kind for event in recorder.events()].count("discarded") == 3


def test_messages_have_the_limits_of_sqs(queue: Opened) -> None:
    sqs, url, _ = queue
    whole = "x" * MAX_MESSAGE_BYTES
    sqs.send_message(QueueUrl=url, MessageBody=whole)
    assert sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"] == whole
    with pytest.raises(ClientError, match="over the limit"):
        sqs.send_message(QueueUrl=url, MessageBody=f"{whole}x")
    with pytest.raises(ClientError, match="BatchRequestTooLong"):
        sqs.send_message_batch(
            QueueUrl=url, Entries=[{"Id": str(n), "MessageBody": whole[1:]} for n in range(2)]
        )


def test_keys_stand_in_a_table_that_honours_conditions() -> None:
    recorder = Recorder()
    standin = StandIn(RecordedQueues(ORDERS, recorder), recorder, FaultPlan(), lambda *call: None)
    with standin.listening(), credentials():
        table = DynamoTable(
            TableResource("chaos_keys", key="key"), AwsOptions(region=REGION, endpoint_url=standin.url)
        )
        item = {"key": "k", "done": False, "token": "t"}
        assert table.get({"key": "k"}) is None
        assert table.save(item, version=0) == 1
        with pytest.raises(ConditionFailed):
            table.save(item, version=0)
        assert table.save({**item, "done": True}, version=1) == 2
        with pytest.raises(ConditionFailed):
            table.save(item, version=1)
        assert table.get({"key": "k"}) == {**item, "done": True, "version": 2}
    assert [event.outcome for event in recorder.events() if event.kind == "key"] == ["begun", "done"]


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
