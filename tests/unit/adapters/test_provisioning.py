"""What a registry declares stands on the emulator, and nowhere else."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from blackcat.adapters_aws import AwsOptions, DynamoTable, EventBridgeBus, SnsTopic, SqsBroker, provision
from blackcat.adapters_aws.calls import AwsCalls
from blackcat.application.ports import QueueDescription
from blackcat.domain.envelope import unwrapped
from blackcat.domain.registry import ServiceRegistry
from blackcat.domain.service import Service, ServiceType
from blackcat.errors import ConfigurationError
from blackcat.resources import (
    EventBusResource,
    QueueResource,
    TableIndex,
    TableResource,
    TopicResource,
    with_prefix,
)

ORDERS = QueueResource("orders", visibility_timeout=timedelta(seconds=90), max_receive_count=3)
LEDGER = QueueResource("ledger.fifo", content_based_deduplication=True, delay=timedelta(seconds=2))
PLACED = TopicResource("placed")
ITEMS = TableResource("items", key="id", indexes=[TableIndex("by_kind", key="kind")])


def _registry(*, filter_policy: dict[str, list[str]] | None = None) -> ServiceRegistry:
    return ServiceRegistry(
        [
            Service(
                name="orders",
                type=ServiceType.CONSUMER,
                entrypoint=print,
                queue_name="orders",
                subscribes=[PLACED.subscription(filter_policy=filter_policy, raw_delivery=True)],
                uses=[ITEMS.read_write(), LEDGER.send(), ORDERS.consume()],
            )
        ]
    )


def test_everything_declared_exists(aws_options: AwsOptions, unique: str) -> None:
    provision(_registry(), aws_options, prefix=unique)
    broker = SqsBroker(aws_options)
    assert broker.describe(f"{unique}orders") == QueueDescription(
        timedelta(seconds=90), f"{unique}orders_dlq", 3
    )
    assert broker.depth(f"{unique}orders_dlq").total == 0
    ledger = broker.queue(f"{unique}ledger.fifo").attributes("All")
    assert (ledger["FifoQueue"], ledger["ContentBasedDeduplication"]) == ("true", "true")
    assert (ledger["DelaySeconds"], ledger["MessageRetentionPeriod"]) == ("2", "345600")
    table = DynamoTable(TableResource(f"{unique}items", key="id", indexes=ITEMS.indexes), aws_options)
    table.save({"id": "1", "kind": "a"})
    assert list(table.query("a", index="by_kind")) == [{"id": "1", "kind": "a"}]
    SnsTopic(f"{unique}placed", aws_options).publish("hello")
    assert broker.queue(f"{unique}orders").receive()[0].body == "hello"


def test_the_queue_admits_its_topics_only(aws_options: AwsOptions, unique: str) -> None:
    provision(_registry(), aws_options, prefix=unique)
    attributes = SqsBroker(aws_options).queue(f"{unique}orders").attributes("Policy", "QueueArn")
    (statement,) = json.loads(attributes["Policy"])["Statement"]
    topic_arn = attributes["QueueArn"].replace(":sqs:", ":sns:").replace("orders", "placed")
    assert statement == {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": attributes["QueueArn"],
        "Condition": {"ArnEquals": {"aws:SourceArn": [topic_arn]}},
    }


def test_provisioning_again_changes_what_the_declaration_changed(
    aws_options: AwsOptions, unique: str
) -> None:
    provision(_registry(), aws_options, prefix=unique)
    queue = SqsBroker(aws_options).queue(f"{unique}orders")
    queue.send("kept")
    provision(_registry(filter_policy={"kind": ["a"]}), aws_options, prefix=unique)
    topic = SnsTopic(f"{unique}placed", aws_options)
    topic.publish("other", attributes={"kind": "b"})
    topic.publish("wanted", attributes={"kind": "a"})
    assert [message.body for message in queue.receive()] == ["kept", "wanted"]


def test_a_topic_is_subscribed_once(aws_options: AwsOptions, unique: str) -> None:
    for _ in range(3):
        provision(_registry(), aws_options, prefix=unique)
    listed = AwsCalls("sns", aws_options).read("ListSubscriptions", "")["Subscriptions"]
    assert len([one for one in listed if one["TopicArn"].endswith(f":{unique}placed")]) == 1


def test_an_aws_account_is_never_touched() -> None:
    with pytest.raises(ConfigurationError, match="emulator only"):
        provision(_registry(), AwsOptions(region="us-east-1"))


def _bus_registry(bus: EventBusResource, *kinds: str) -> ServiceRegistry:
    rules = [bus.rule(pattern={"detail-type": [kind]}, name=kind) for kind in kinds]
    return ServiceRegistry(
        [
            Service(
                name="paid",
                type=ServiceType.CONSUMER,
                entrypoint=print,
                queue_name="paid",
                subscribes=[PLACED, *rules],
                uses=[TableResource("sessions", key="id", ttl="expires_at").write()],
            )
        ]
    )


@pytest.mark.parametrize("name", ["shop", "default"])
def test_rules_of_a_bus_feed_the_queue(aws_options: AwsOptions, unique: str, name: str) -> None:
    bus = EventBusResource(name)
    for _ in range(2):
        provision(_bus_registry(bus, "Paid", "Refunded"), aws_options, prefix=unique)
    real = with_prefix(bus, unique).name
    for kind in ("Paid", "Lost", "Refunded"):
        EventBridgeBus(real, aws_options).put({"kind": kind}, source="shop", detail_type=kind)
    SnsTopic(f"{unique}placed", aws_options).publish("placed")
    queue = SqsBroker(aws_options).queue(f"{unique}paid")
    bodies = [unwrapped(message).body for message in queue.receive()]
    assert sorted(bodies) == ["placed", '{"kind": "Paid"}', '{"kind": "Refunded"}']


def test_the_queue_admits_its_topics_and_rules_only(aws_options: AwsOptions, unique: str) -> None:
    provision(_bus_registry(EventBusResource("shop"), "Paid"), aws_options, prefix=unique)
    attributes = SqsBroker(aws_options).queue(f"{unique}paid").attributes("Policy", "QueueArn")
    statements = json.loads(attributes["Policy"])["Statement"]
    admitted = {
        statement["Principal"]["Service"]: statement["Condition"]["ArnEquals"]["aws:SourceArn"]
        for statement in statements
    }
    base = attributes["QueueArn"].rpartition(":")[0]
    assert admitted == {
        "sns.amazonaws.com": [f"{base}:{unique}placed".replace(":sqs:", ":sns:")],
        "events.amazonaws.com": [f"{base}:rule/{unique}shop/{unique}paid-Paid".replace(":sqs:", ":events:")],
    }


def test_a_ttl_is_enabled_and_stays_so(aws_options: AwsOptions, unique: str) -> None:
    for _ in range(2):
        provision(_bus_registry(EventBusResource("shop"), "Paid"), aws_options, prefix=unique)
    answer = AwsCalls("dynamodb", aws_options).read("DescribeTimeToLive", "", TableName=f"{unique}sessions")
    assert answer["TimeToLiveDescription"] == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at"}
