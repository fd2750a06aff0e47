"""Creates what a registry declares, on an emulator.

For tests and local runs. Real accounts are provisioned from the deployment template, under review.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from blackcat.adapters_aws.accounts import arn
from blackcat.adapters_aws.calls import AwsCalls, Response
from blackcat.adapters_aws.clients import AwsOptions
from blackcat.domain.registry import ServiceRegistry
from blackcat.errors import ConfigurationError, QueueNotFound, ServiceUnavailable, TableNotFound
from blackcat.resources import (
    QueueResource,
    Resource,
    Subscription,
    TableIndex,
    TableResource,
    TopicResource,
    with_prefix,
)

_ACTIVE_WITHIN_SECONDS = 60.0


def provision(registry: ServiceRegistry, options: AwsOptions, *, prefix: str = "") -> None:
    """Creates queues, topics, tables and subscriptions; what is there already is brought up to date.

    Only ever on an emulator. Raises ConfigurationError without ``endpoint_url`` or in a dry run.
    """
    provisioner = Provisioner(options, prefix=prefix)
    for resource in registry.resources:
        provisioner.create(resource)
    for queue, subscriptions in _subscriptions(registry):
        provisioner.subscribe(queue, subscriptions)


def _subscriptions(registry: ServiceRegistry) -> Iterable[tuple[QueueResource, Sequence[Subscription]]]:
    """By queue: several services may consume one, each with topics of its own."""
    queues: dict[str, tuple[QueueResource, list[Subscription]]] = {}
    for service in registry:
        if service.subscriptions:
            queue = registry.queue_of(service)
            queues.setdefault(queue.name, (queue, []))[1].extend(service.subscriptions)
    return queues.values()


class Provisioner:
    """Creates single resources on an emulator; each method may be called again.

    Raises ConfigurationError without ``endpoint_url``, so that no real account is ever touched.
    """

    def __init__(self, options: AwsOptions, *, prefix: str = "") -> None:
        if not options.endpoint_url:
            raise ConfigurationError(
                "resources are provisioned on an emulator only, never in an AWS account: "
                "set AWS_ENDPOINT_URL to the emulator's address"
            )
        if options.dry_run:
            raise ConfigurationError("AWS_DRY_RUN sends no writes, so nothing can be provisioned: unset it")
        self._options = options
        self._prefix = prefix

    def create(self, resource: Resource) -> None:
        named = with_prefix(resource, self._prefix)
        if isinstance(named, QueueResource):
            self._create_queue(named)
        elif isinstance(named, TopicResource):
            self._create_topic(named)
        else:
            self._create_table(named)

    def subscribe(self, queue: QueueResource, subscriptions: Sequence[Subscription]) -> None:
        """Ties topics to an existing queue, and lets these topics, and no others, send to it."""
        target = with_prefix(queue, self._prefix).name
        sources = [with_prefix(subscription.topic, self._prefix).name for subscription in subscriptions]
        for topic, subscription in zip(sources, subscriptions, strict=True):
            self._subscribe(target, topic, subscription)
        policy = _queue_policy(self._arn("sqs", target), [self._arn("sns", topic) for topic in sources])
        self._set_queue_attributes(target, {"Policy": json.dumps(policy)})

    def _create_queue(self, queue: QueueResource) -> None:
        if queue.dead_letter:
            self._create_queue(queue.dead_letter)
        attributes = self._queue_attributes(queue)
        try:
            self._set_queue_attributes(queue.name, attributes)
        except QueueNotFound:
            fifo = {"FifoQueue": "true"} if queue.fifo else {}
            self._call("sqs", "CreateQueue", queue.name, QueueName=queue.name, Attributes=attributes | fifo)

    def _queue_attributes(self, queue: QueueResource) -> dict[str, str]:
        attributes = {
            "VisibilityTimeout": _seconds(queue.visibility_timeout),
            "MessageRetentionPeriod": _seconds(queue.retention),
            "DelaySeconds": _seconds(queue.delay),
        }
        if queue.fifo:
            attributes["ContentBasedDeduplication"] = _flag(queue.content_based_deduplication)
        if queue.dead_letter:
            target = self._arn("sqs", queue.dead_letter.name)
            redrive = {"deadLetterTargetArn": target, "maxReceiveCount": queue.max_receive_count}
            attributes["RedrivePolicy"] = json.dumps(redrive)
        return attributes

    def _set_queue_attributes(self, name: str, attributes: dict[str, str]) -> None:
        url = self._call("sqs", "GetQueueUrl", name, QueueName=name)["QueueUrl"]
        self._call("sqs", "SetQueueAttributes", name, QueueUrl=url, Attributes=attributes)

    def _create_topic(self, topic: TopicResource) -> None:
        deduplication = _flag(topic.content_based_deduplication)
        attributes = {"FifoTopic": "true", "ContentBasedDeduplication": deduplication} if topic.fifo else {}
        self._call("sns", "CreateTopic", topic.name, Name=topic.name, Attributes=attributes)

    def _subscribe(self, queue: str, topic: str, subscription: Subscription) -> None:
        answer = self._call(
            "sns",
            "Subscribe",
            topic,
            TopicArn=self._arn("sns", topic),
            Protocol="sqs",
            Endpoint=self._arn("sqs", queue),
            ReturnSubscriptionArn=True,
        )
        # Set apart from Subscribe, which refuses a subscription that exists with other attributes.
        attributes = {
            "RawMessageDelivery": _flag(subscription.raw_delivery),
            "FilterPolicy": json.dumps(subscription.filter_policy or {}),
        }
        for attribute, value in attributes.items():
            self._call(
                "sns",
                "SetSubscriptionAttributes",
                topic,
                SubscriptionArn=answer["SubscriptionArn"],
                AttributeName=attribute,
                AttributeValue=value,
            )

    def _create_table(self, table: TableResource) -> None:
        try:
            self._table_status(table)
        except TableNotFound:
            self._call("dynamodb", "CreateTable", table.name, **_table_parameters(table))
        deadline = time.monotonic() + _ACTIVE_WITHIN_SECONDS
        while self._table_status(table) != "ACTIVE":
            if time.monotonic() > deadline:
                raise ServiceUnavailable(
                    f"the table is not active after {_ACTIVE_WITHIN_SECONDS:.0f} seconds", resource=table.name
                )
            time.sleep(0.2)

    def _table_status(self, table: TableResource) -> str:
        answer = self._call("dynamodb", "DescribeTable", table.name, TableName=table.name)
        status: str = answer["Table"]["TableStatus"]
        return status

    def _call(self, service: str, operation: str, resource: str, **parameters: Any) -> Response:
        # Writes too: a dry run was refused, so there is nothing to hold back.
        return AwsCalls(service, self._options).read(operation, resource, **parameters)

    def _arn(self, service: str, name: str) -> str:
        return arn(service, name, self._options)


def _queue_policy(queue_arn: str, topic_arns: Sequence[str]) -> dict[str, Any]:
    """https://docs.aws.amazon.com/sns/latest/dg/subscribe-sqs-queue-to-sns-topic.html"""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "sns.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": queue_arn,
                "Condition": {"ArnEquals": {"aws:SourceArn": list(topic_arns)}},
            }
        ],
    }


def _table_parameters(table: TableResource) -> dict[str, Any]:
    types = {table.key: table.key_type}
    if table.sort_key:
        types[table.sort_key] = table.sort_key_type
    for index in table.indexes:
        types[index.key] = index.key_type
        if index.sort_key:
            types[index.sort_key] = index.sort_key_type
    parameters: dict[str, Any] = {
        "TableName": table.name,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": _key_schema(table),
        "AttributeDefinitions": [
            {"AttributeName": name, "AttributeType": type_} for name, type_ in types.items()
        ],
    }
    if table.indexes:
        parameters["GlobalSecondaryIndexes"] = [
            {
                "IndexName": index.name,
                "KeySchema": _key_schema(index),
                "Projection": {"ProjectionType": "ALL"},
            }
            for index in table.indexes
        ]
    return parameters


def _key_schema(keyed: TableResource | TableIndex) -> list[dict[str, str]]:
    schema = [{"AttributeName": keyed.key, "KeyType": "HASH"}]
    if keyed.sort_key:
        schema.append({"AttributeName": keyed.sort_key, "KeyType": "RANGE"})
    return schema


def _seconds(duration: timedelta) -> str:
    return str(math.ceil(duration.total_seconds()))


def _flag(value: bool) -> str:
    return "true" if value else "false"
