"""What a service's adapters call, as IAM names it, and whether the present role may."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from blackcat.application.doctor import rules
from blackcat.application.doctor.account import Account
from blackcat.application.doctor.examination import Results
from blackcat.application.doctor.messaging import named
from blackcat.domain.findings import Unchecked
from blackcat.domain.registry import ServiceRegistry
from blackcat.domain.service import Service
from blackcat.errors import AccessDenied, RemoteError
from blackcat.resources import Access, Resource, TableResource

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
_READ = ("dynamodb:GetItem", "dynamodb:Query")
_WRITE = ("dynamodb:DeleteItem", "dynamodb:PutItem")
_ACTIONS: dict[Access, tuple[str, ...]] = {
    Access.SEND: _SEND,
    Access.CONSUME: _CONSUME,
    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsns.html
    Access.PUBLISH: ("sns:Publish",),
    Access.READ: _READ,
    Access.WRITE: _WRITE,
    Access.READ_WRITE: (*_READ, *_WRITE),
}

Needs = dict[Resource, dict[str, list[Service]]]
"""Who needs which action on which resource."""


def permissions(services: Sequence[Service], registry: ServiceRegistry, account: Account) -> Results:
    """Each action that the services need, asked of IAM's policy simulator for the present role."""
    principal = account.principal()
    if principal.endswith(":root"):
        return  # the account itself: nothing is refused
    for resource, actions in needs(services, registry).items():
        for arn in _arns(resource, account):
            wanted = [action for action in actions if not _is_index(arn) or action == "dynamodb:Query"]
            try:
                refused = account.refused(principal, wanted, arn) if wanted else ()
            except RemoteError as error:
                yield Unchecked(
                    f"permissions of {principal}",
                    f"without iam:SimulatePrincipalPolicy only reads can be tried: {error}",
                )
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
            for action in _ACTIONS[access]:
                if service not in found[resource][action]:
                    found[resource][action].append(service)
    return found


def _grants(service: Service, registry: ServiceRegistry) -> Iterator[tuple[Resource, Access]]:
    if service.queue_name:
        queue = registry.queue_of(service)
        yield queue, Access.CONSUME
        if queue.dead_letter:
            yield queue.dead_letter, Access.SEND
    for grant in service.uses:
        yield grant.resource, grant.access


def _arns(resource: Resource, account: Account) -> Iterator[str]:
    arn = account.arn(resource)
    yield arn
    if isinstance(resource, TableResource):
        yield from (f"{arn}/index/{index.name}" for index in resource.indexes)


def _is_index(arn: str) -> bool:
    return "/index/" in arn
