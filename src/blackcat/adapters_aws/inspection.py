"""AWS described for the doctor: reads only, whatever happens."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, TypeVar

from blackcat.adapters_aws.accounts import arn
from blackcat.adapters_aws.calls import AwsCalls, Response
from blackcat.adapters_aws.clients import AwsOptions
from blackcat.adapters_aws.sqs import SqsQueue
from blackcat.application.doctor.account import (
    DescribedIndex,
    DescribedKeys,
    DescribedQueue,
    DescribedRule,
    DescribedSecret,
    DescribedSubscription,
    DescribedTable,
    DescribedTarget,
    DescribedTimeToLive,
    DescribedTopic,
)
from blackcat.errors import NotFound, RemoteError
from blackcat.resources import (
    BusRule,
    EventBusResource,
    QueueResource,
    Resource,
    SecretResource,
    TableResource,
    TopicResource,
)

Described = TypeVar("Described")

# What makes a target send something else than the event:
# https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_Target.html
_TRANSFORMATIONS = {"Input", "InputPath", "InputTransformer"}
_ASSUMED_ROLE = re.compile(r"arn:(?P<partition>[\w-]+):sts::(?P<account>\d+):assumed-role/(?P<role>[^/]+)/.+")


class AwsAccount:
    """The account, region and address of these options, read only; each resource is read once."""

    def __init__(self, options: AwsOptions) -> None:
        self._options = options
        self._read_already: dict[tuple[str, str], Any] = {}

    def principal(self) -> str:
        return self._once(("principal", ""), lambda: str(self._call("sts", "GetCallerIdentity", "")["Arn"]))

    def queue(self, queue: QueueResource) -> DescribedQueue:
        def describe() -> DescribedQueue:
            return _described_queue(SqsQueue(queue.name, self._options).attributes("All"))

        return self._once(("queue", queue.name), describe)

    def topic(self, topic: TopicResource) -> DescribedTopic:
        def describe() -> DescribedTopic:
            answer = self._call("sns", "GetTopicAttributes", topic.name, TopicArn=self.arn(topic))
            deduplication = answer["Attributes"].get("ContentBasedDeduplication")
            return DescribedTopic(arn=self.arn(topic), content_based_deduplication=deduplication == "true")

        return self._once(("topic", topic.name), describe)

    def subscription(self, topic: TopicResource, queue: QueueResource) -> DescribedSubscription | None:
        endpoint = self.arn(queue)
        for listed in self._subscriptions(topic):
            if listed["Protocol"] == "sqs" and listed["Endpoint"] == endpoint:
                return self._subscription(topic, listed["SubscriptionArn"])
        return None

    def table(self, table: TableResource) -> DescribedTable:
        def describe() -> DescribedTable:
            answer = self._call("dynamodb", "DescribeTable", table.name, TableName=table.name)
            return _described_table(answer["Table"])

        return self._once(("table", table.name), describe)

    def time_to_live(self, table: TableResource) -> DescribedTimeToLive:
        answer = self._call("dynamodb", "DescribeTimeToLive", table.name, TableName=table.name)
        found = answer["TimeToLiveDescription"]
        enabled = found["TimeToLiveStatus"] in ("ENABLED", "ENABLING")
        return DescribedTimeToLive(attribute=found["AttributeName"] if enabled else None)

    def event_bus(self, bus: EventBusResource) -> str:
        def describe() -> str:
            return str(self._call("events", "DescribeEventBus", bus.name, Name=bus.name)["Arn"])

        return self._once(("event bus", bus.name), describe)

    def rule(self, rule: BusRule, queue: QueueResource) -> DescribedRule | None:
        name = rule.name_for(queue.name)
        try:
            found = self._call("events", "DescribeRule", name, Name=name, EventBusName=rule.bus.name)
        except NotFound:
            self.event_bus(rule.bus)  # AWS answers the same when it is the bus that is missing
            return None
        return DescribedRule(
            arn=found["Arn"],
            enabled=found.get("State") != "DISABLED",
            pattern=_json(found.get("EventPattern")),
            targets=self._targets(name, rule.bus.name),
        )

    def secret(self, secret: SecretResource) -> DescribedSecret:
        def describe() -> DescribedSecret:
            found = self._call("secretsmanager", "DescribeSecret", secret.name, SecretId=secret.name)
            return DescribedSecret(arn=found["ARN"], goes_at=found.get("DeletedDate"))

        return self._once(("secret", secret.name), describe)

    def arn(self, resource: Resource) -> str:
        if isinstance(resource, SecretResource):
            # AWS ends the ARN of a secret with six letters of its own choice.
            return resource.name if resource.by_arn else self.secret(resource).arn
        if isinstance(resource, TableResource):
            return arn("dynamodb", f"table/{resource.name}", self._options)
        if isinstance(resource, EventBusResource):
            return arn("events", f"event-bus/{resource.name}", self._options)
        return arn("sqs" if isinstance(resource, QueueResource) else "sns", resource.name, self._options)

    def refused(self, principal: str, actions: Sequence[str], arn: str) -> Sequence[str]:
        answer = self._call(
            "iam",
            "SimulatePrincipalPolicy",
            principal,
            PolicySourceArn=self._once(("policies", principal), lambda: self._policy_source(principal)),
            ActionNames=list(actions),
            ResourceArns=[arn],
        )
        return [
            result["EvalActionName"]
            for result in answer["EvaluationResults"]
            if result["EvalDecision"] != "allowed"
        ]

    def _policy_source(self, principal: str) -> str:
        """The role behind a session: its ARN has a path, which the session's does not tell."""
        session = _ASSUMED_ROLE.fullmatch(principal)
        if session is None:
            return principal
        try:
            role: str = self._call("iam", "GetRole", session["role"], RoleName=session["role"])["Role"]["Arn"]
        except RemoteError:
            role = f"arn:{session['partition']}:iam::{session['account']}:role/{session['role']}"
        return role

    def _targets(self, rule: str, bus: str) -> list[DescribedTarget]:
        # A rule has five at most: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
        answer = self._call("events", "ListTargetsByRule", rule, Rule=rule, EventBusName=bus)
        return [
            DescribedTarget(arn=one["Arn"], transformed=not _TRANSFORMATIONS.isdisjoint(one))
            for one in answer["Targets"]
        ]

    def _subscriptions(self, topic: TopicResource) -> Iterator[Response]:
        more: Response = {}
        while True:
            answer = self._call(
                "sns", "ListSubscriptionsByTopic", topic.name, TopicArn=self.arn(topic), **more
            )
            yield from answer.get("Subscriptions", ())
            if not answer.get("NextToken"):
                return
            more = {"NextToken": answer["NextToken"]}

    def _subscription(self, topic: TopicResource, subscription_arn: str) -> DescribedSubscription:
        if not subscription_arn.startswith("arn:"):  # "PendingConfirmation" stands in its place
            return DescribedSubscription(confirmed=False)
        answer = self._call("sns", "GetSubscriptionAttributes", topic.name, SubscriptionArn=subscription_arn)
        found = answer["Attributes"]
        return DescribedSubscription(
            confirmed=found.get("PendingConfirmation") != "true",
            raw_delivery=found.get("RawMessageDelivery") == "true",
            filter_policy=_json(found.get("FilterPolicy")),
            scope=found.get("FilterPolicyScope", "MessageAttributes"),
        )

    def _once(self, key: tuple[str, str], describe: Callable[[], Described]) -> Described:
        if key not in self._read_already:
            self._read_already[key] = describe()
        found: Described = self._read_already[key]
        return found

    def _call(self, service: str, operation: str, resource: str, **parameters: Any) -> Response:
        return AwsCalls(service, self._options).read(operation, resource, **parameters)


def _described_queue(found: Mapping[str, str]) -> DescribedQueue:
    """https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html"""
    redrive = _json(found.get("RedrivePolicy"))
    key = found.get("KmsMasterKeyId")
    managed = found.get("SqsManagedSseEnabled")
    return DescribedQueue(
        arn=found["QueueArn"],
        visibility_timeout=timedelta(seconds=int(found["VisibilityTimeout"])),
        retention=timedelta(seconds=int(found["MessageRetentionPeriod"])),
        delay=timedelta(seconds=int(found["DelaySeconds"])),
        content_based_deduplication=found.get("ContentBasedDeduplication") == "true",
        dead_letter_arn=redrive.get("deadLetterTargetArn"),
        max_receive_count=int(redrive["maxReceiveCount"]) if redrive else None,
        redrive_allowed_to=_json(found.get("RedriveAllowPolicy")),
        policy=_json(found.get("Policy")),
        encrypted=True if key else None if managed is None else managed == "true",
        key=key,
    )


def _described_table(found: Response) -> DescribedTable:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TableDescription.html"""
    types = {one["AttributeName"]: one["AttributeType"] for one in found["AttributeDefinitions"]}
    return DescribedTable(
        status=found["TableStatus"],
        keys=_keys(found["KeySchema"], types),
        billed_per_request=found.get("BillingModeSummary", {}).get("BillingMode") == "PAY_PER_REQUEST",
        indexes={
            index["IndexName"]: DescribedIndex(
                # Which the emulator leaves out of a table that its CloudFormation made.
                status=index.get("IndexStatus", "ACTIVE"),
                keys=_keys(index["KeySchema"], types),
                projection=index["Projection"]["ProjectionType"],
            )
            for index in found.get("GlobalSecondaryIndexes", ())
        },
    )


def _keys(schema: Sequence[Mapping[str, str]], types: Mapping[str, str]) -> DescribedKeys:
    by_kind = {one["KeyType"]: (one["AttributeName"], types[one["AttributeName"]]) for one in schema}
    return DescribedKeys(key=by_kind["HASH"], sort_key=by_kind.get("RANGE"))


def _json(text: str | None) -> dict[str, Any]:
    """A policy as AWS keeps it; what is no JSON object counts as none."""
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
