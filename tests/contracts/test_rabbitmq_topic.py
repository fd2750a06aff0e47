"""The topic contract on RabbitMQ, and what its subscriptions do otherwise than SNS's."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pika
import pytest

from blackcat import Service, ServiceRegistry, ServiceType
from blackcat.adapters_rabbitmq import RabbitBroker, RabbitOptions, RabbitProvisioner, bindings, provision
from blackcat.application.ports import Queue, Topic
from blackcat.domain.envelope import unwrapped
from blackcat.domain.message import Attribute
from blackcat.domain.outgoing import OutgoingMessage
from blackcat.errors import InvalidDeclaration, InvalidMessage, NotFound, TopicNotFound
from blackcat.resources import EventBusResource, QueueResource, Subscription, TopicResource
from blackcat.testing.contracts import TopicContract
from blackcat.testing.contracts.topic_contract import Connect
from rabbitmq_server import INSTALLED, NOT_INSTALLED, running_rabbitmq

pytestmark = pytest.mark.skipif(not INSTALLED, reason=NOT_INSTALLED)

WAIT = timedelta(seconds=20)  # for what takes a moment
ORDERS = QueueResource("orders")
BUS = EventBusResource("shop")


@pytest.fixture
def options(rabbitmq: RabbitOptions) -> RabbitOptions:
    return rabbitmq


@pytest.fixture
def broker(rabbit_broker: RabbitBroker) -> RabbitBroker:
    return rabbit_broker


@pytest.fixture
def provisioner(options: RabbitOptions) -> RabbitProvisioner:
    return RabbitProvisioner(options)


@pytest.fixture
def connect(provisioner: RabbitProvisioner, broker: RabbitBroker) -> Connect:
    def connect(subscription: Subscription, resource: QueueResource) -> tuple[Topic, Queue]:
        provisioner.create(subscription.topic)
        provisioner.create(resource)
        provisioner.subscribe(resource, [subscription])
        return broker.topic(subscription.topic.name), broker.queue(resource.name)

    return connect


class TestRabbitTopic(TopicContract):
    @pytest.fixture(autouse=True)
    def refusal(self, request: pytest.FixtureRequest, provisioner: RabbitProvisioner) -> None:
        """Stands for each test of FIFO topics."""
        if request.node.name.startswith("test_fifo_"):
            with pytest.raises(InvalidDeclaration):
                provisioner.create(TopicResource("orders.fifo", content_based_deduplication=True))
            pytest.xfail("RabbitMQ has neither message groups nor deduplication: FIFO topics are refused")


def received(queue: Queue, count: int) -> list[str]:
    """The bodies of all messages, of which there are no more than ``count``."""
    bodies: list[str] = []
    while len(bodies) < count:
        messages = queue.receive(wait=WAIT)
        assert messages, f"{len(bodies)} of {count} messages came"
        bodies += [unwrapped(message).body for message in messages]
        queue.delete([message.receipt for message in messages])
    assert list(queue.receive()) == []
    return sorted(bodies)


@pytest.mark.parametrize("raw_delivery", [True, False])
def test_a_filter_policy_takes_each_combination_of_its_values(
    connect: Connect, unique: str, raw_delivery: bool
) -> None:
    policy = {"kind": ["order", "refund"], "land": ["br", "pt"]}
    subscription = TopicResource(unique).subscription(filter_policy=policy, raw_delivery=raw_delivery)
    topic, queue = connect(subscription, QueueResource(unique))
    for kind in ("order", "refund", "orders"):
        for land in ("br", "pt", "BR"):
            topic.publish(f"{kind}-{land}", attributes={"kind": kind, "land": land, "more": "x"})
    topic.publish("half", attributes={"kind": "order"})
    topic.publish("none")
    topic.publish("a number", attributes={"kind": 1, "land": "br"})
    assert received(queue, 4) == ["order-br", "order-pt", "refund-br", "refund-pt"]


def test_a_subscription_becomes_what_is_declared(
    connect: Connect, provisioner: RabbitProvisioner, unique: str
) -> None:
    source, queue_resource = TopicResource(unique), QueueResource(unique)
    topic, queue = connect(source.subscription(filter_policy={"kind": ["a", "b"]}), queue_resource)
    provisioner.create(queue_resource)  # forgets no binding
    provisioner.subscribe(queue_resource, [source.subscription(filter_policy={"kind": ["b", "c"]})])
    for kind in "abc":
        topic.publish(kind, attributes={"kind": kind})
    assert received(queue, 2) == ["b", "c"]
    provisioner.subscribe(queue_resource, [source.subscription(raw_delivery=True)])
    topic.publish("once", attributes={"kind": "b"})
    assert received(queue, 1) == ["once"]
    provisioner.subscribe(queue_resource, [])
    topic.publish("not for it")
    assert list(queue.receive()) == []


def test_a_topic_that_is_gone_does_not_stand_in_the_way(
    connect: Connect, provisioner: RabbitProvisioner, unique: str
) -> None:
    gone, queue = TopicResource(unique), QueueResource(unique)
    connect(gone.subscription(filter_policy={"kind": ["a", "b"]}), queue)
    provisioner.delete(gone)
    with pytest.raises(NotFound, match="no exchange"):
        provisioner.subscribe(queue, [gone.subscription()])
    topic, received_by = connect(TopicResource(f"{unique}_new").subscription(), queue)
    topic.publish("x")
    assert received(received_by, 1) == ["x"]


@pytest.mark.long  # restarts the broker: fifteen seconds
def test_all_of_it_outlives_the_broker(tmp_path: Path) -> None:
    topic, queue = TopicResource("placed"), QueueResource("orders")
    with running_rabbitmq(tmp_path) as options:
        provisioner = RabbitProvisioner(options)
        provisioner.create(topic)
        provisioner.create(queue)
        provisioner.subscribe(queue, [topic.subscription(filter_policy={"kind": ["a"]})])
        first = RabbitBroker(options)
        first.topic("placed").publish("before", attributes={"kind": "a"})
        first.close()
    with running_rabbitmq(tmp_path) as options:
        second = RabbitBroker(options)
        assert second.describe("orders").max_receive_count == queue.max_receive_count
        second.topic("placed").publish("after", attributes={"kind": "a"})
        assert received(second.queue("orders"), 2) == ["after", "before"]
        second.close()


def test_every_subscribed_queue_gets_a_message(
    provisioner: RabbitProvisioner, broker: RabbitBroker, unique: str
) -> None:
    topic = TopicResource(unique)
    provisioner.create(topic)
    queues = [QueueResource(f"{unique}_{number}") for number in range(2)]
    for resource in queues:
        provisioner.create(resource)
        provisioner.subscribe(resource, [topic.subscription()])
    message_id = broker.topic(unique).publish({"n": 1}, group_id="customer-7")
    for resource in queues:
        (message,) = broker.queue(resource.name).receive(wait=WAIT)
        envelope = unwrapped(message).envelope
        assert envelope
        assert (envelope.id, message.group_id) == (message_id, "customer-7")


def test_a_topic_without_subscribers_takes_messages(
    provisioner: RabbitProvisioner, broker: RabbitBroker, unique: str
) -> None:
    provisioner.create(TopicResource(unique))
    assert broker.topic(unique).publish("x")


def test_a_missing_topic_is_told(broker: RabbitBroker, unique: str) -> None:
    with pytest.raises(TopicNotFound, match="create it first"):
        broker.topic(unique).publish("x")
    with pytest.raises(TopicNotFound):
        broker.topic(unique).publish_batch([OutgoingMessage("x")])


def test_lists_in_attributes_are_refused(broker: RabbitBroker) -> None:
    with pytest.raises(InvalidMessage, match="'kinds' for topic 'orders' is a String.Array"):
        broker.topic("orders").publish("x", attributes={"kinds": Attribute('["a"]', "String.Array")})


def test_attributes_may_be_as_long_as_on_sns(connect: Connect, unique: str) -> None:
    topic, queue = connect(TopicResource(unique).subscription(raw_delivery=True), QueueResource(unique))
    attributes = {"n" * 256: "x", "long": "y" * 90_000, "kind": "z" * 257}
    topic.publish("x", attributes=attributes)
    (message,) = queue.receive(wait=WAIT)
    assert message.attributes == {name: Attribute(value) for name, value in attributes.items()}


def test_a_fifo_topic_is_refused_by_name(broker: RabbitBroker) -> None:
    with pytest.raises(InvalidDeclaration, match="topic 'orders.fifo'.*unset QUEUE_BACKEND"):
        broker.topic("orders.fifo")


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        ({"amount": [{"numeric": [">", 100]}]}, "exact texts only"),
        ({"amount": [100]}, "exact texts only"),
        ({"kind": ["a", {"prefix": "b"}]}, "exact texts only"),
        ({"kind": "a"}, "a list of exact texts"),
        ({"kind": []}, "a list of exact texts"),
        ({"$or": [{"kind": ["a"]}, {"land": ["b"]}]}, "exact texts only"),
        ({"kind": ["a" * 257]}, "up to 256 bytes"),
        ({"k" * 201: ["a"]}, "names up to 200"),
        ({"kind": list("abcdefghijklm"), "land": list("abcdefghijkl")}, "156 combinations"),
    ],
)
def test_what_rabbitmq_cannot_filter_is_refused(policy: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidDeclaration, match=f"queue 'orders' to 'events'.*{reason}"):
        bindings("orders", [TopicResource("events").subscription(filter_policy=policy)])


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (BUS.rule(pattern={"source": ["shop"]}), "bus 'shop', which EventBridge delivers to SQS only"),
        (TopicResource("events.fifo").subscription(), "topic 'events.fifo'"),
    ],
)
def test_sources_that_cannot_deliver_are_refused_before_anything_is_created(
    options: RabbitOptions, unique: str, source: Any, reason: str
) -> None:
    consumer = Service(
        name="orders",
        type=ServiceType.CONSUMER,
        entrypoint=print,
        queue_name=unique,
        subscribes=[source],
    )
    with pytest.raises(InvalidDeclaration, match=reason):
        provision(ServiceRegistry([consumer]), options)
    with pika.BlockingConnection(pika.URLParameters(options.url)) as connection:
        channel = connection.channel()
        with pytest.raises(pika.exceptions.ChannelClosedByBroker, match="no queue"):
            channel.queue_declare(unique, passive=True)


def test_what_was_declared_can_be_deleted_whole(
    options: RabbitOptions,
    provisioner: RabbitProvisioner,
    broker: RabbitBroker,
    connect: Connect,
    unique: str,
) -> None:
    topic, queue = TopicResource(unique), QueueResource(unique)
    connect(topic.subscription(), queue)
    broker.queue(unique).send("later", delay=timedelta(minutes=1))
    for resource in (topic, queue):
        provisioner.delete(resource)
        provisioner.delete(resource)
    with pika.BlockingConnection(pika.URLParameters(options.url)) as connection:
        for name in (unique, f"{unique}_dlq", f"{unique}.declaration", f"{unique}.delay.512"):
            channel = connection.channel()
            with pytest.raises(pika.exceptions.ChannelClosedByBroker, match="no queue"):
                channel.queue_declare(name, passive=True)
        for name in (unique, f"{unique}.raw", f"{unique}.delay.1"):
            channel = connection.channel()
            with pytest.raises(pika.exceptions.ChannelClosedByBroker, match="no exchange"):
                channel.exchange_declare(name, passive=True)
    provisioner.create(queue)  # as if it had never been there
    assert broker.depth(unique).total == 0
