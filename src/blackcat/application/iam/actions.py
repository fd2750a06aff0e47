"""What a service's adapters call, as IAM names it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from blackcat.domain.registry import ServiceRegistry
from blackcat.domain.service import Service
from blackcat.resources import (
    Access,
    EventBusResource,
    QueueResource,
    Resource,
    SecretResource,
    TableResource,
    TopicResource,
)

# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsqs.html
_SEND = ("sqs:GetQueueUrl", "sqs:SendMessage")
_CONSUME = (
    "sqs:ChangeMessageVisibility",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:GetQueueUrl",
    "sqs:ReceiveMessage",
)
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html
# A transaction needs the permissions of what it does, and none of its own.
_READ = ("dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query")
_WRITE = (
    "dynamodb:BatchWriteItem",
    "dynamodb:ConditionCheckItem",
    "dynamodb:DeleteItem",
    "dynamodb:PutItem",
)
_ACTIONS: dict[tuple[type[Resource], Access], tuple[str, ...]] = {
    (QueueResource, Access.SEND): _SEND,
    (QueueResource, Access.CONSUME): _CONSUME,
    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsns.html
    (TopicResource, Access.PUBLISH): ("sns:Publish",),
    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridge.html
    (EventBusResource, Access.PUT): ("events:DescribeEventBus", "events:PutEvents"),
    (TableResource, Access.READ): _READ,
    (TableResource, Access.WRITE): _WRITE,
    (TableResource, Access.READ_WRITE): (*_READ, *_WRITE),
    (TableResource, Access.LOCK): ("dynamodb:GetItem", "dynamodb:PutItem"),
    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecretsmanager.html
    (SecretResource, Access.READ): ("secretsmanager:GetSecretValue",),
}

# The one action of ours that an index knows: a statement on it must not name the others.
INDEX_ACTION = "dynamodb:Query"

Needs = dict[Resource, dict[str, list[Service]]]
"""Who needs which action on which resource."""


def needs(services: Iterable[Service], registry: ServiceRegistry) -> Needs:
    """What these services' adapters call, by resource."""
    found: Needs = defaultdict(lambda: defaultdict(list))
    for service in services:
        for resource, access in dict.fromkeys(accesses(service, registry)):
            for action in actions(resource, access):
                if service not in found[resource][action]:
                    found[resource][action].append(service)
    return found


def accesses(service: Service, registry: ServiceRegistry) -> Iterator[tuple[Resource, Access]]:
    """What a service's type asks for, then what it declares."""
    if service.queue_name:
        queue = registry.queue_of(service)
        yield queue, Access.CONSUME
        if queue.dead_letter:
            yield queue.dead_letter, Access.SEND
    for grant in service.grants:
        yield grant.resource, grant.access


def actions(resource: Resource, access: Access) -> tuple[str, ...]:
    """What that access to a resource of that kind needs."""
    return _ACTIONS[type(resource), access]
