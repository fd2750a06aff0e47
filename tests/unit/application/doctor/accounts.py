"""An account that holds exactly what a registry declares, for tests to disturb."""

from __future__ import annotations

from dataclasses import replace

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
from blackcat.application.doctor.queue_policy import EVENT_BRIDGE, SNS
from blackcat.errors import (
    AccessDenied,
    BusNotFound,
    QueueNotFound,
    SecretNotFound,
    TableNotFound,
    TopicNotFound,
)
from blackcat.resources import EventBusResource, QueueResource, SecretResource, TableResource, TopicResource

PLACE = "us-east-1:123456789012"
ROLE = "arn:aws:iam::123456789012:role/shop"


class DeclaredAccount:
    """Everything is as declared; ``change`` makes one resource differ, ``remove`` takes it away."""

    def __init__(self, registry, *, principal=ROLE):
        self._principal = principal
        self._queues, self._topics, self._tables, self._subscriptions = {}, {}, {}, {}
        self._expiry, self._buses, self._rules, self._secrets = {}, {}, {}, {}
        self._kinds = (
            *(self._queues, self._topics, self._tables, self._subscriptions),
            *(self._expiry, self._buses, self._rules, self._secrets),
        )
        self.denied = set()
        self.simulates = True
        for resource in registry.resources:
            self._add(resource)
        for service in registry:
            for subscription in service.subscriptions:
                self._subscribe(subscription, registry.queue_of(service))
            for rule in service.rules:
                self._add_rule(rule, registry.queue_of(service))

    def change(self, name, **attributes):
        for kind in self._kinds:
            if name in kind:
                kind[name] = replace(kind[name], **attributes)
                return
        raise KeyError(name)

    def change_index(self, table, index, **attributes):
        described = self._tables[table]
        indexes = {**described.indexes, index: replace(described.indexes[index], **attributes)}
        self.change(table, indexes=indexes)

    def remove(self, name):
        for kind in self._kinds:
            kind.pop(name, None)

    def principal(self):
        return self._principal

    def queue(self, queue):
        self._check(queue.name)
        if queue.name not in self._queues:
            raise QueueNotFound("no such queue", resource=queue.name)
        return self._queues[queue.name]

    def topic(self, topic):
        self._check(topic.name)
        if topic.name not in self._topics:
            raise TopicNotFound("no such topic", resource=topic.name)
        return self._topics[topic.name]

    def subscription(self, topic, queue):
        self.topic(topic)
        return self._subscriptions.get((topic.name, queue.name))

    def table(self, table):
        self._check(table.name)
        if table.name not in self._tables:
            raise TableNotFound("no such table", resource=table.name)
        return self._tables[table.name]

    def time_to_live(self, table):
        self._check(f"ttl of {table.name}")
        return self._expiry[f"ttl of {table.name}"]

    def event_bus(self, bus):
        self._check(bus.name)
        if bus.name not in self._buses:
            raise BusNotFound("no such event bus", resource=bus.name)
        return self._buses[bus.name]

    def rule(self, rule, queue):
        self.event_bus(rule.bus)
        return self._rules.get((rule.bus.name, rule.name_for(queue.name)))

    def secret(self, secret):
        self._check(secret.name)
        if secret.name not in self._secrets:
            raise SecretNotFound("no such secret", resource=secret.name)
        return self._secrets[secret.name]

    def arn(self, resource):
        if isinstance(resource, SecretResource):
            return resource.name if resource.by_arn else self.secret(resource).arn
        if isinstance(resource, EventBusResource):
            return f"arn:aws:events:{PLACE}:event-bus/{resource.name}"
        if isinstance(resource, TableResource):
            return f"arn:aws:dynamodb:{PLACE}:table/{resource.name}"
        return f"arn:aws:{'sqs' if isinstance(resource, QueueResource) else 'sns'}:{PLACE}:{resource.name}"

    def refused(self, principal, actions, arn):
        if not self.simulates:
            raise AccessDenied("not allowed", service="iam", operation="SimulatePrincipalPolicy")
        return [action for action in actions if (action, arn.rpartition(":")[2]) in self.denied]

    def _check(self, name):
        if ("read", name) in self.denied:
            raise AccessDenied("not allowed", resource=name)

    def _add(self, resource):
        if isinstance(resource, TableResource):
            self._tables[resource.name] = _table(resource)
            self._expiry[f"ttl of {resource.name}"] = DescribedTimeToLive(attribute=resource.ttl)
        elif isinstance(resource, EventBusResource):
            self._buses[resource.name] = self.arn(resource)
        elif isinstance(resource, SecretResource):
            arn = f"arn:aws:secretsmanager:{PLACE}:secret:{resource.name}-AbCdEf"
            self._secrets[resource.name] = DescribedSecret(arn=arn)
        elif isinstance(resource, TopicResource):
            self._topics[resource.name] = DescribedTopic(
                arn=self.arn(resource), content_based_deduplication=resource.content_based_deduplication
            )
        else:
            self._queues[resource.name] = self._queue(resource)
            if resource.dead_letter:
                self._queues[resource.dead_letter.name] = self._queue(resource.dead_letter)

    def _queue(self, queue):
        return DescribedQueue(
            arn=self.arn(queue),
            visibility_timeout=queue.visibility_timeout,
            retention=queue.retention,
            delay=queue.delay,
            content_based_deduplication=queue.content_based_deduplication,
            dead_letter_arn=self.arn(queue.dead_letter) if queue.dead_letter else None,
            max_receive_count=queue.max_receive_count,
            encrypted=True,
        )

    def _subscribe(self, subscription, queue):
        topic = subscription.topic
        self._subscriptions[topic.name, queue.name] = DescribedSubscription(
            raw_delivery=subscription.raw_delivery, filter_policy=dict(subscription.filter_policy or {})
        )
        self._admit(queue, self.arn(topic), SNS)

    def _add_rule(self, rule, queue):
        name = rule.name_for(queue.name)
        described = DescribedRule(
            arn=f"arn:aws:events:{PLACE}:rule/{rule.bus.name}/{name}",
            pattern=rule.pattern,
            targets=[DescribedTarget(arn=self.arn(queue))],
        )
        self._rules[rule.bus.name, name] = described
        self._admit(queue, described.arn, EVENT_BRIDGE)

    def _admit(self, queue, source_arn, service):
        added = allowing(source_arn, self.arn(queue), service)["Statement"]
        known = self._queues[queue.name].policy.get("Statement", [])
        self.change(queue.name, policy={"Statement": [*known, *added]})


def allowing(source_arn, queue_arn, service=SNS):
    """The queue policy that AWS's documentation gives."""
    return {
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": service},
                "Action": "sqs:SendMessage",
                "Resource": queue_arn,
                "Condition": {"ArnEquals": {"aws:SourceArn": source_arn}},
            }
        ]
    }


def _table(table):
    indexes = {
        index.name: DescribedIndex(status="ACTIVE", keys=_keys(index), projection="ALL")
        for index in table.indexes
    }
    return DescribedTable(status="ACTIVE", keys=_keys(table), billed_per_request=True, indexes=indexes)


def _keys(keyed):
    sort_key = (keyed.sort_key, keyed.sort_key_type) if keyed.sort_key else None
    return DescribedKeys(key=(keyed.key, keyed.key_type), sort_key=sort_key)
