"""The queue contract on RabbitMQ, and what it does otherwise than SQS."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pika
import pytest

from blackcat.adapters_rabbitmq import RabbitBroker, RabbitOptions, RabbitProvisioner
from blackcat.application.ports import Visibility
from blackcat.errors import (
    AccessDenied,
    ConfigurationError,
    InvalidDeclaration,
    InvalidMessage,
    InvalidRequest,
    SettingsError,
    Unreachable,
)
from blackcat.infra.free_ports import any_free_port
from blackcat.infra.settings.configuration import Settings
from blackcat.resources import QueueResource, dead_letter_name
from blackcat.testing.contracts import QueueContract
from rabbitmq_server import INSTALLED, NOT_INSTALLED

pytestmark = pytest.mark.skipif(not INSTALLED, reason=NOT_INSTALLED)

HELD = timedelta(minutes=5)
WAIT = timedelta(seconds=20)  # for what takes a moment


@pytest.fixture
def options(rabbitmq: RabbitOptions) -> RabbitOptions:
    return rabbitmq


@pytest.fixture
def broker(rabbit_broker: RabbitBroker) -> RabbitBroker:
    return rabbit_broker


@pytest.fixture
def create(options: RabbitOptions) -> Callable[[QueueResource], None]:
    return RabbitProvisioner(options).create


@pytest.fixture
def resource(create: Callable[[QueueResource], None], unique: str) -> QueueResource:
    """A queue that exists."""
    resource = QueueResource(unique, visibility_timeout=HELD)
    create(resource)
    return resource


class TestRabbitQueue(QueueContract):
    @pytest.fixture(autouse=True)
    def refusal(self, request: pytest.FixtureRequest, create: Callable[[QueueResource], None]) -> None:
        """Stands for each test of FIFO queues."""
        if request.node.name.startswith("test_fifo_"):
            with pytest.raises(InvalidDeclaration):
                create(QueueResource("orders.fifo", content_based_deduplication=True))
            pytest.xfail("RabbitMQ has neither message groups nor deduplication: FIFO queues are refused")


def test_a_fifo_queue_is_refused_by_name(broker: RabbitBroker) -> None:
    for call in (broker.queue, broker.describe, broker.depth):
        with pytest.raises(InvalidDeclaration, match="orders.fifo.*keep FIFO queues on SQS"):
            call("orders.fifo")


def test_attributes_must_fit_into_one_frame(broker: RabbitBroker, resource: QueueResource) -> None:
    queue = broker.queue(resource.name)
    with pytest.raises(InvalidMessage, match="move some into the body"):
        queue.send("x", attributes={"big": "x" * 98_304})
    queue.send("x", attributes={"big": "x" * 98_000})
    (message,) = queue.receive(wait=WAIT)
    assert len(message.attributes["big"].value) == 98_000


def test_another_connection_cannot_use_a_receipt(
    options: RabbitOptions, broker: RabbitBroker, resource: QueueResource
) -> None:
    queue = broker.queue(resource.name)
    queue.send("x")
    (message,) = queue.receive(wait=WAIT)
    other = RabbitBroker(options)
    for result in (
        other.queue(resource.name).delete([message.receipt]),
        other.queue(resource.name).extend([Visibility(message.receipt, HELD)]),
    ):
        (failure,) = result.failed
        assert (failure.code, failure.transient) == ("ReceiptHandleIsInvalid", False)
    other.close()
    assert queue.delete([message.receipt]).failed == ()


def test_what_a_lost_connection_held_comes_back(
    options: RabbitOptions, broker: RabbitBroker, resource: QueueResource
) -> None:
    lost = RabbitBroker(options)
    lost.queue(resource.name).send("x")
    (first,) = lost.queue(resource.name).receive(wait=WAIT)
    lost.close()
    (second,) = broker.queue(resource.name).receive(wait=WAIT)
    assert (second.id, second.receive_count) == (first.id, 2)
    (failure,) = lost.queue(resource.name).delete([first.receipt]).failed
    assert failure.code == "ReceiptHandleIsInvalid"
    lost.close()


@pytest.mark.parametrize("seconds", [2, 3])
def test_a_delay_climbs_down_every_step(broker: RabbitBroker, resource: QueueResource, seconds: int) -> None:
    queue = broker.queue(resource.name)
    sent = queue.send("x", delay=timedelta(seconds=seconds))
    assert broker.depth(resource.name).delayed == 1
    (message,) = queue.receive(wait=WAIT)
    assert message.id == sent
    assert message.receive_count == 1


def test_the_longest_delay_is_taken(broker: RabbitBroker, resource: QueueResource) -> None:
    broker.queue(resource.name).send("x", delay=timedelta(minutes=15))
    assert broker.depth(resource.name).delayed == 1


def test_a_message_of_another_sender_is_received(
    options: RabbitOptions, broker: RabbitBroker, resource: QueueResource
) -> None:
    with pika.BlockingConnection(pika.URLParameters(options.url)) as connection:
        connection.channel().basic_publish("", resource.name, b"plain", pika.BasicProperties(message_id="m1"))
    (message,) = broker.queue(resource.name).receive(wait=WAIT)
    assert (message.id, message.body, message.attributes, message.sent_at) == ("m1", "plain", {}, None)


def test_a_queue_that_blackcat_did_not_create_is_refused(
    options: RabbitOptions, broker: RabbitBroker, unique: str
) -> None:
    with pika.BlockingConnection(pika.URLParameters(options.url)) as connection:
        connection.channel().queue_declare(unique)
        with pytest.raises(InvalidRequest, match="RabbitProvisioner"):
            broker.queue(unique).receive()
        connection.channel().queue_delete(unique)


def test_created_again_a_queue_keeps_its_messages_and_its_attributes(
    broker: RabbitBroker, create: Callable[[QueueResource], None], resource: QueueResource
) -> None:
    broker.queue(resource.name).send("x")
    create(resource)
    assert broker.depth(resource.name).waiting == 1
    with pytest.raises(InvalidRequest, match="delete it, or declare it as it is"):
        create(QueueResource(resource.name, max_receive_count=9))
    assert broker.describe(resource.name).max_receive_count == resource.max_receive_count


def test_a_message_that_may_come_once_is_dead_after_one_failure(
    broker: RabbitBroker, create: Callable[[QueueResource], None], unique: str
) -> None:
    create(QueueResource(unique, visibility_timeout=HELD, max_receive_count=1))
    queue = broker.queue(unique)
    queue.send("x")
    queue.release([message.receipt for message in queue.receive(wait=WAIT)])
    (dead,) = broker.queue(dead_letter_name(unique)).receive(wait=WAIT)
    assert dead.body == "x"


def test_a_wrong_password_is_told_without_it(options: RabbitOptions) -> None:
    wrong = RabbitBroker(RabbitOptions(options.url.replace(":guest@", ":s3cret@")))
    with pytest.raises(AccessDenied, match="RABBITMQ_URL") as caught:
        wrong.describe("orders")
    assert "s3cret" not in str(caught.value)
    wrong.close()


def test_no_broker_is_unreachable() -> None:
    nowhere = RabbitBroker(RabbitOptions(f"amqp://guest:guest@127.0.0.1:{any_free_port()}/"))
    with pytest.raises(Unreachable, match="RABBITMQ_URL"):
        nowhere.queue("orders").send("x")
    nowhere.close()


def test_another_kind_of_address_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="amqps://"):
        RabbitOptions("http://localhost")


def test_a_project_moves_to_rabbitmq_by_configuration(
    options: RabbitOptions, resource: QueueResource, tmp_path: Path
) -> None:
    """In a process of its own, where the environment says what to connect."""
    program = (
        "from datetime import timedelta\n"
        "import blackcat\n"
        "from blackcat.resources import QueueResource\n"
        f"queue = blackcat.connect(QueueResource({resource.name!r}))\n"
        "queue.send({'n': 1})\n"
        "(message,) = queue.receive(wait=timedelta(seconds=20))\n"
        "print(message.body, queue.delete([message.receipt]).failed)\n"
    )
    environment = os.environ | {"QUEUE_BACKEND": "rabbitmq", "RABBITMQ_URL": options.url}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout == '{"n":1} ()\n', done.stderr


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        ({}, "RABBITMQ_URL is wrong: QUEUE_BACKEND is rabbitmq"),
        ({"RABBITMQ_URL": "http://secret-host"}, "RABBITMQ_URL is wrong: it must begin with amqp://"),
        (
            {"RABBITMQ_URL": "amqp://h", "AWS_DRY_RUN": "true"},
            "QUEUE_BACKEND is wrong: rabbitmq has no dry run",
        ),
    ],
)
def test_half_a_configuration_is_told(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], problem: str
) -> None:
    for name, value in {"QUEUE_BACKEND": "rabbitmq", **variables}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=problem) as caught:
        Settings()
    assert "secret-host" not in str(caught.value)
