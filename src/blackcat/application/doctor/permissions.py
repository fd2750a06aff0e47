"""What a service's adapters call, as IAM names it, and whether the present role may."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator, Iterable, Iterator, Sequence

from blackcat.application.doctor import rules
from blackcat.application.doctor.account import Account
from blackcat.application.doctor.examination import Results
from blackcat.application.doctor.messaging import named
from blackcat.domain.findings import Finding, Unchecked
from blackcat.domain.registry import ServiceRegistry
from blackcat.domain.service import Service
from blackcat.errors import AccessDenied, NotFound, RemoteError
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

Needs = dict[Resource, dict[str, list[Service]]]
"""Who needs which action on which resource."""


def permissions(
    services: Sequence[Service], registry: ServiceRegistry, account: Account, *, messaging: bool = True
) -> Results:
    """Each action that the services need, asked of IAM's policy simulator for the present role.

    Without ``messaging``, queues and topics are not in AWS.
    """
    principal = account.principal()
    if principal.endswith(":root"):
        return  # the account itself: nothing is refused
    for resource, actions in needs(services, registry).items():
        if not messaging and isinstance(resource, QueueResource | TopicResource):
            continue
        for arn in (yield from _arns(resource, account)):
            wanted = [action for action in actions if not _is_index(arn) or action == "dynamodb:Query"]
            try:
                refused = account.refused(principal, wanted, arn) if wanted else ()
            except RemoteError as error:
                yield Unchecked(
                    f"permissions of {principal}",
                    f"without iam:SimulatePrincipalPolicy only reads can be tried: {error}",
                )
                if messaging:
                    yield from _reads(services, registry, account)
                return
            for action in refused:
                yield rules.PERMISSION_MISSING.found(
                    f"'{resource.name}'", f"{principal} lacks {action} on {arn}, for {named(actions[action])}"
                )


def _reads(services: Iterable[Service], registry: ServiceRegistry, account: Account) -> Results:
    """What a consumer itself reads before it starts."""
    for service in services:
        if not service.queue_name:
            continue
        try:
            account.queue(registry.queue_of(service))
        except AccessDenied as error:
            yield rules.PERMISSION_MISSING.found(f"'{service.queue_name}'", f"for '{service.name}': {error}")
        except RemoteError:
            continue  # told by the check of the queue


def needs(services: Iterable[Service], registry: ServiceRegistry) -> Needs:
    """What these services' adapters call, by resource."""
    found: Needs = defaultdict(lambda: defaultdict(list))
    for service in services:
        for resource, access in dict.fromkeys(_grants(service, registry)):
            for action in _ACTIONS[type(resource), access]:
                if service not in found[resource][action]:
                    found[resource][action].append(service)
    return found


def _grants(service: Service, registry: ServiceRegistry) -> Iterator[tuple[Resource, Access]]:
    if service.queue_name:
        queue = registry.queue_of(service)
        yield queue, Access.CONSUME
        if queue.dead_letter:
            yield queue.dead_letter, Access.SEND
    for grant in service.grants:
        yield grant.resource, grant.access


def _arns(resource: Resource, account: Account) -> Generator[Finding | Unchecked, None, list[str]]:
    """Those of the resource and of its indexes; none when only AWS could tell, and does not."""
    try:
        arn = account.arn(resource)
    except NotFound:
        return []  # told by the check of the secret
    except RemoteError as error:
        yield Unchecked(f"permissions on '{resource.name}'", str(error))
        return []
    indexes = resource.indexes if isinstance(resource, TableResource) else ()
    return [arn, *(f"{arn}/index/{index.name}" for index in indexes)]


def _is_index(arn: str) -> bool:
    return ":dynamodb:" in arn and "/index/" in arn
