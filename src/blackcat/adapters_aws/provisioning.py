"""Creates what a registry declares, on an emulator.

For tests and local runs. Real accounts are provisioned from the deployment template, under review.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from blackcat.adapters_aws.accounts import arn
from blackcat.adapters_aws.calls import AwsCalls, Response
from blackcat.adapters_aws.clients import AwsOptions, endpoint_url
from blackcat.application.dev.account import checked_endpoint
from blackcat.domain.registry import ServiceRegistry
from blackcat.errors import (
    BusNotFound,
    ConfigurationError,
    QueueNotFound,
    SecretNotFound,
    ServiceUnavailable,
    TableNotFound,
)
from blackcat.resources import (
    DEFAULT_BUS,
    BusRule,
    EventBusResource,
    QueueResource,
    Resource,
    SecretResource,
    Subscription,
    TableIndex,
    TableResource,
    TopicResource,
    with_prefix,
)

Source = Subscription | BusRule

_SERVICES = ("sqs", "sns", "events", "dynamodb", "secretsmanager", "sts")
_ACTIVE_WITHIN_SECONDS = 60.0


def provision(registry: ServiceRegistry, options: AwsOptions, *, prefix: str = "") -> None:
    """Creates what a registry declares and ties it together; what is there already is brought up to date.

    Only ever on an emulator. Raises ConfigurationError when a client would call AWS, or in a dry run.
    """
    provisioner = Provisioner(options, prefix=prefix)
    for resource in registry.resources:
        provisioner.create(resource)
    for queue, sources in registry.consumed_queues():
        if sources:
            provisioner.subscribe(queue, sources)


class Provisioner:
    """Creates single resources on an emulator; each method may be called again.

    Raises ConfigurationError when a client would call AWS, so that no real account is ever touched.
    """

    def __init__(self, options: AwsOptions, *, prefix: str = "") -> None:
        for service in _SERVICES:
            url = endpoint_url(service, options)
            if not url:
                raise ConfigurationError(
                    "resources are provisioned on an emulator only, never in an AWS account: "
                    "set AWS_ENDPOINT_URL to the emulator's address"
                )
            checked_endpoint(f"the address of {service}", url)
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
        elif isinstance(named, EventBusResource):
            self._create_bus(named)
        elif isinstance(named, SecretResource):
            self._create_secret(named)
        else:
            self._create_table(named)

    def subscribe(self, queue: QueueResource, sources: Sequence[Source]) -> None:
        """Ties topics and rules of buses to an existing queue, and lets these, and no others, send to it."""
        target = with_prefix(queue, self._prefix).name
        senders: dict[str, list[str]] = {}
        for source in sources:
            if isinstance(source, BusRule):
                senders.setdefault("events", []).append(self._put_rule(target, source))
            else:
                senders.setdefault("sns", []).append(self._subscribe(target, source))
        policy = _queue_policy(self._arn("sqs", target), senders)
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

    def _subscribe(self, queue: str, subscription: Subscription) -> str:
        """Returns the topic's ARN."""
        topic = with_prefix(subscription.topic, self._prefix).name
        topic_arn = self._arn("sns", topic)
        answer = self._call(
            "sns",
            "Subscribe",
            topic,
            TopicArn=topic_arn,
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
        return topic_arn

    def _create_bus(self, bus: EventBusResource) -> None:
        try:
            self._call("events", "DescribeEventBus", bus.name, Name=bus.name)
        except BusNotFound:
            self._call("events", "CreateEventBus", bus.name, Name=bus.name)

    def _put_rule(self, queue: str, rule: BusRule) -> str:
        """Returns the rule's ARN."""
        bus, name = with_prefix(rule.bus, self._prefix).name, rule.name_for(queue)
        pattern = json.dumps(rule.pattern)
        self._call("events", "PutRule", name, Name=name, EventBusName=bus, EventPattern=pattern)
        target = {"Id": "queue", "Arn": self._arn("sqs", queue)}
        answer = self._call("events", "PutTargets", name, Rule=name, EventBusName=bus, Targets=[target])
        for failed in answer.get("FailedEntries", ()):
            raise ServiceUnavailable(failed.get("ErrorMessage", ""), resource=name, code=failed["ErrorCode"])
        return self._arn("events", f"rule/{name}" if bus == DEFAULT_BUS else f"rule/{bus}/{name}")

    def _create_secret(self, secret: SecretResource) -> None:
        if secret.by_arn:
            return  # it belongs to another project or account
        try:
            self._call("secretsmanager", "DescribeSecret", secret.name, SecretId=secret.name)
        except SecretNotFound as error:
            if secret.dev_value is None:
                declared = secret.name.removeprefix(self._prefix)
                raise ConfigurationError(
                    f"secret '{declared}' is not on the emulator: give it a value for development, such "
                    f"as SecretResource('{declared}', dev_value={{'password': 'dev'}})"
                ) from error
            self._call("secretsmanager", "CreateSecret", secret.name, Name=secret.name, **_content(secret))

    def _create_table(self, table: TableResource) -> None:
        try:
            self._table_status(table)
        except TableNotFound:
            self._call("dynamodb", "CreateTable", table.name, **_table_parameters(table))
        self._wait_until_active(table)
        if table.ttl:
            self._enable_ttl(table, table.ttl)

    def _wait_until_active(self, table: TableResource) -> None:
        deadline = time.monotonic() + _ACTIVE_WITHIN_SECONDS
        while self._table_status(table) != "ACTIVE":
            if time.monotonic() > deadline:
                raise ServiceUnavailable(
                    f"the table is not active after {_ACTIVE_WITHIN_SECONDS:.0f} seconds", resource=table.name
                )
            time.sleep(0.2)

    def _enable_ttl(self, table: TableResource, attribute: str) -> None:
        answer = self._call("dynamodb", "DescribeTimeToLive", table.name, TableName=table.name)
        if answer["TimeToLiveDescription"].get("AttributeName") == attribute:
            return  # to enable what is enabled is an error
        self._call(
            "dynamodb",
            "UpdateTimeToLive",
            table.name,
            TableName=table.name,
            TimeToLiveSpecification={"Enabled": True, "AttributeName": attribute},
        )

    def _table_status(self, table: TableResource) -> str:
        answer = self._call("dynamodb", "DescribeTable", table.name, TableName=table.name)
        status: str = answer["Table"]["TableStatus"]
        return status

    def _call(self, service: str, operation: str, resource: str, **parameters: Any) -> Response:
        # Writes too: a dry run was refused, so there is nothing to hold back.
        return AwsCalls(service, self._options).read(operation, resource, **parameters)

    def _arn(self, service: str, name: str) -> str:
        return arn(service, name, self._options)


def _queue_policy(queue_arn: str, senders: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Lets each service send on behalf of these ARNs of its own.

    https://docs.aws.amazon.com/sns/latest/dg/subscribe-sqs-queue-to-sns-topic.html
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html
    """
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": f"{service}.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": queue_arn,
                "Condition": {"ArnEquals": {"aws:SourceArn": list(arns)}},
            }
            for service, arns in senders.items()
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


def _content(secret: SecretResource) -> dict[str, str | bytes]:
    value = secret.dev_value
    if isinstance(value, bytes):
        return {"SecretBinary": value}
    return {"SecretString": value if isinstance(value, str) else json.dumps(value)}


def _seconds(duration: timedelta) -> str:
    return str(math.ceil(duration.total_seconds()))


def _flag(value: bool) -> str:
    return "true" if value else "false"
