"""Where what a service calls and what it is granted drift apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from blackcat.application.iam.actions import actions, needs
from blackcat.application.iam.policy import Reference
from blackcat.domain.references import FromParameter
from blackcat.domain.registry import ServiceRegistry
from blackcat.domain.service import Service
from blackcat.resources import (
    Access,
    EventBusResource,
    Grant,
    QueueResource,
    Resource,
    SecretResource,
    TableResource,
    TopicResource,
    with_prefix,
)

# IAM names the action after the single call, or has none of its own for it.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-api-permissions-reference.html
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
_ACTIONS = {
    "sqs:SendMessageBatch": "sqs:SendMessage",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
    "sns:PublishBatch": "sns:Publish",
    "dynamodb:TransactWriteItems": "dynamodb:PutItem",
    "dynamodb:TransactGetItems": "dynamodb:GetItem",
}
# Everybody may ask who they are.
_OPEN_TO_ALL = ("sts:GetCallerIdentity",)
# How a declaration allows what is no grant of a resource, or need not be one.
_OTHERWISE = {
    "secretsmanager:GetSecretValue": "declare it in uses, or as a setting with FromSecret",
    "ssm:GetParameters": "declare it as a setting with FromParameter",
}
# What an adapter asks before it does anything with the grant.
_PRELIMINARY = {"sqs:GetQueueUrl", "events:DescribeEventBus"}
_VERBS = {
    Access.SEND: "send to",
    Access.CONSUME: "consume",
    Access.PUBLISH: "publish to",
    Access.PUT: "put events on",
    Access.READ: "read",
    Access.WRITE: "write to",
    Access.LOCK: "keep a lock in",
}
_KINDS: dict[type[Resource], str] = {
    QueueResource: "queue",
    TopicResource: "topic",
    TableResource: "table",
    EventBusResource: "event bus",
    SecretResource: "secret",
}
# A grant of two things, of which either may go unused.
_PARTS = {Access.READ_WRITE: (Access.READ, Access.WRITE)}


# Set by dev and tests for the services that they start: TOLD, or a file that takes the calls.
WATCH = "BLACKCAT_WATCH_GRANTS"
TOLD = "log"


class Call(NamedTuple):
    """An action as IAM names it, on a resource as AWS names it."""

    action: str
    resource: str


def calls_of(service: str, operation: str, resource: str) -> list[Call]:
    """What a call asks IAM for; none where everybody may. A transaction names all its tables."""
    called = f"{service}:{operation}"
    if called in _OPEN_TO_ALL:
        return []
    return [Call(_ACTIONS.get(called, called), name) for name in resource.split(", ")]


class Grants:
    """What one service is granted, in an environment with that RESOURCE_PREFIX.

    ``settings`` tells which of them the classes say are kept in AWS, as far as they are imported by then.
    """

    def __init__(
        self,
        service: Service,
        registry: ServiceRegistry,
        prefix: str,
        settings: Callable[[], Iterable[Reference]] = tuple,
    ) -> None:
        self._service = service
        self._registry = registry
        self._prefix = prefix
        self._settings = settings
        self._allowed = {
            Call(action, with_prefix(resource, prefix).name)
            for resource, wanted in needs([service], registry).items()
            for action in wanted
        }

    def allow(self, call: Call) -> bool:
        return call in self._allowed or call in {self._reading(one) for one in self._settings()}

    def reads_setting(self, call: Call) -> bool:
        """Whether it is allowed for a setting's sake alone."""
        return call not in self._allowed and self.allow(call)

    def told(self, call: Call) -> str:
        """What to do about a call that they do not allow."""
        what_to_do = _OTHERWISE.get(call.action, "declare it in uses")
        return (
            f"service '{self._service.name}' is not granted {call.action} on "
            f"'{call.resource.removeprefix(self._prefix)}': {what_to_do}"
        )

    def _reading(self, setting: Reference) -> Call:
        if isinstance(setting, FromParameter):
            return Call("ssm:GetParameters", setting.name)
        return Call("secretsmanager:GetSecretValue", setting.version(self._prefix)[0])

    def parts(self) -> Iterator[str]:
        """What ``uses`` declares, one access to one resource each."""
        return (_named(grant, part) for grant in self._service.uses for part in _parts(grant))

    def used_by(self, call: Call) -> Iterator[str]:
        """The parts that a call proves to be needed."""
        for grant in self._service.uses:
            name = with_prefix(grant.resource, self._prefix).name
            for part in _parts(grant):
                telling = set(actions(grant.resource, part)) - _PRELIMINARY
                if call.resource == name and call.action in telling:
                    yield _named(grant, part)


@dataclass
class Drift:
    """What tests have shown of each service so far; it can be sent between processes as JSON."""

    beyond: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    granted: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    used: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def add(self, service: str, grants: Grants, calls: Iterable[Call]) -> None:
        self.granted[service] |= set(grants.parts())
        for call in calls:
            self.used[service] |= set(grants.used_by(call))
            if not grants.allow(call):
                self.beyond[service].add(grants.told(call))

    def merge(self, other: dict[str, dict[str, list[str]]]) -> None:
        for name, by_service in other.items():
            for service, texts in by_service.items():
                getattr(self, name)[service] |= set(texts)

    def as_json(self) -> dict[str, dict[str, list[str]]]:
        named: dict[str, Any] = vars(self)
        return {
            name: {service: sorted(texts) for service, texts in by_service.items()}
            for name, by_service in named.items()
        }

    def refused(self) -> list[str]:
        """The calls that AWS would refuse."""
        return sorted(text for texts in self.beyond.values() for text in texts)

    def unused(self) -> list[str]:
        """The grants of services that were tested, which no test used."""
        return [
            f"service '{service}' is granted to {part}, and no test did: test it, or take it out of uses"
            for service in sorted(self.used)
            for part in sorted(self.granted[service] - self.used[service])
        ]


def _parts(grant: Grant) -> tuple[Access, ...]:
    return _PARTS.get(grant.access, (grant.access,))


def _named(grant: Grant, part: Access) -> str:
    return f"{_VERBS[part]} {_KINDS[type(grant.resource)]} '{grant.resource.name}'"
