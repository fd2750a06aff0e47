"""All checks of an AWS account against a registry; nothing in it is ever changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from blackcat.application.doctor import rules
from blackcat.application.doctor.account import Account
from blackcat.application.doctor.buses import bus_in_aws, rule_in_aws
from blackcat.application.doctor.examination import Check
from blackcat.application.doctor.messaging import bus_rules, consumers, subscriptions
from blackcat.application.doctor.permissions import permissions
from blackcat.application.doctor.queues import queue_in_aws
from blackcat.application.doctor.secrets import secret_in_aws
from blackcat.application.doctor.tables import table_in_aws
from blackcat.application.doctor.topics import subscription_in_aws, topic_in_aws
from blackcat.domain.findings import Unchecked
from blackcat.domain.registry import ServiceRegistry
from blackcat.domain.service import Service
from blackcat.errors import BlackcatError, InvalidDeclaration
from blackcat.resources import (
    EventBusResource,
    QueueResource,
    SecretResource,
    TableResource,
    TopicResource,
    with_prefix,
)


def aws_checks(
    registry: ServiceRegistry,
    account: Account,
    *,
    prefix: str = "",
    service: str | None = None,
    messaging: bool = True,
) -> Iterator[Check]:
    """One check per resource, subscription and rule, and the permissions of the service, or of all.

    Without ``messaging``, queues and topics are elsewhere: AWS is not asked for them.
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
        yield from _resources(actual, account, messaging=messaging)
        chosen = [actual.select(service)] if service else list(actual)
        yield Check("permissions", partial(permissions, chosen, actual, account, messaging=messaging))


def with_real_names(registry: ServiceRegistry, prefix: str) -> ServiceRegistry:
    """The registry with its resources under the names that they bear with RESOURCE_PREFIX."""
    return ServiceRegistry([_with_real_names(service, prefix) for service in registry])


def _with_real_names(service: Service, prefix: str) -> Service:
    return replace(
        service,
        queue_name=f"{prefix}{service.queue_name}" if service.queue_name else None,
        uses=[replace(grant, resource=with_prefix(grant.resource, prefix)) for grant in service.grants],
        exclusive=False,  # its lock is among them
        subscribes=[
            *(replace(one, topic=with_prefix(one.topic, prefix)) for one in service.subscriptions),
            *(replace(one, bus=with_prefix(one.bus, prefix)) for one in service.rules),
        ],
    )


def _resources(registry: ServiceRegistry, account: Account, *, messaging: bool) -> Iterator[Check]:
    for resource in registry.resources:
        if not isinstance(resource, QueueResource | TopicResource):
            yield _resource(resource, account)
    if messaging:
        yield from _messaging(registry, account)


def _messaging(registry: ServiceRegistry, account: Account) -> Iterator[Check]:
    consumed = {queue.name for queue in consumers(registry)}
    fed = {queue.name for queue, _ in (*subscriptions(registry), *bus_rules(registry))}
    for resource in registry.resources:
        if isinstance(resource, QueueResource):
            facts = {"consumed": resource.name in consumed, "fed": resource.name in fed}
            yield Check(f"queue '{resource.name}'", partial(queue_in_aws, resource, account, **facts))
        elif isinstance(resource, TopicResource):
            yield Check(f"topic '{resource.name}'", partial(topic_in_aws, resource, account))
    for queue, subscription in subscriptions(registry):
        subject = f"subscription of '{queue.name}'"
        yield Check(subject, partial(subscription_in_aws, queue, subscription, account))
    for queue, rule in bus_rules(registry):
        subject = f"rule of event bus '{rule.bus.name}' for '{queue.name}'"
        yield Check(subject, partial(rule_in_aws, queue, rule, account))


def _resource(resource: TableResource | EventBusResource | SecretResource, account: Account) -> Check:
    if isinstance(resource, TableResource):
        return Check(f"table '{resource.name}'", partial(table_in_aws, resource, account))
    if isinstance(resource, EventBusResource):
        return Check(f"event bus '{resource.name}'", partial(bus_in_aws, resource, account))
    return Check(f"secret '{resource.name}'", partial(secret_in_aws, resource, account))
