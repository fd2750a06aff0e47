"""All checks of an AWS account against a registry; nothing in it is ever changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from blackcat.application.doctor import rules
from blackcat.application.doctor.account import Account
from blackcat.application.doctor.examination import Check
from blackcat.application.doctor.messaging import consumers, subscriptions
from blackcat.application.doctor.permissions import permissions
from blackcat.application.doctor.queues import queue_in_aws
from blackcat.application.doctor.tables import table_in_aws
from blackcat.application.doctor.topics import subscription_in_aws, topic_in_aws
from blackcat.domain.findings import Unchecked
from blackcat.domain.registry import ServiceRegistry
from blackcat.domain.service import Service
from blackcat.errors import BlackcatError, InvalidDeclaration
from blackcat.resources import QueueResource, TableResource, with_prefix


def aws_checks(
    registry: ServiceRegistry, account: Account, *, prefix: str = "", service: str | None = None
) -> Iterator[Check]:
    """One check per resource and subscription, and the permissions of the service, or of all.

    When AWS cannot even say whose credentials these are, that is all that is found: every other call
    would fail in the same way.
    """
    try:
        account.principal()
        actual = with_real_names(registry, prefix)
    except InvalidDeclaration as error:
        unchecked = Unchecked("everything in AWS", str(error))
        yield Check("AWS", lambda: [unchecked])
    except BlackcatError as error:
        finding = rules.AWS_DOES_NOT_ANSWER.found("AWS", str(error))
        yield Check("AWS", lambda: [finding, Unchecked("everything in AWS", "AWS cannot be asked")])
    else:
        yield from _resources(actual, account)
        chosen = [actual.select(service)] if service else list(actual)
        yield Check("permissions", partial(permissions, chosen, actual, account))


def with_real_names(registry: ServiceRegistry, prefix: str) -> ServiceRegistry:
    """The registry with its resources under the names that they bear with RESOURCE_PREFIX."""
    return ServiceRegistry([_with_real_names(service, prefix) for service in registry])


def _with_real_names(service: Service, prefix: str) -> Service:
    return replace(
        service,
        queue_name=f"{prefix}{service.queue_name}" if service.queue_name else None,
        uses=[replace(grant, resource=with_prefix(grant.resource, prefix)) for grant in service.uses],
        subscribes=[replace(one, topic=with_prefix(one.topic, prefix)) for one in service.subscriptions],
    )


def _resources(registry: ServiceRegistry, account: Account) -> Iterator[Check]:
    consumed = {queue.name for queue in consumers(registry)}
    subscribed = {queue.name for queue, _ in subscriptions(registry)}
    for resource in registry.resources:
        if isinstance(resource, QueueResource):
            facts = {"consumed": resource.name in consumed, "subscribed": resource.name in subscribed}
            yield Check(f"queue '{resource.name}'", partial(queue_in_aws, resource, account, **facts))
        elif isinstance(resource, TableResource):
            yield Check(f"table '{resource.name}'", partial(table_in_aws, resource, account))
        else:
            yield Check(f"topic '{resource.name}'", partial(topic_in_aws, resource, account))
    for queue, subscription in subscriptions(registry):
        subject = f"subscription of '{queue.name}'"
        yield Check(subject, partial(subscription_in_aws, queue, subscription, account))
