"""An AWS account as it is, described: what the checks read, and the port that reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from blackcat.resources import (
    BusRule,
    EventBusResource,
    QueueResource,
    Resource,
    SecretResource,
    TableResource,
    TopicResource,
)

Policy = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class DescribedQueue:
    """A queue's attributes. ``encrypted`` is None when AWS does not say."""

    arn: str
    visibility_timeout: timedelta
    retention: timedelta
    delay: timedelta
    content_based_deduplication: bool = False
    dead_letter_arn: str | None = None
    max_receive_count: int | None = None
    redrive_allowed_to: Policy = field(default_factory=dict)
    policy: Policy = field(default_factory=dict)
    encrypted: bool | None = None
    key: str | None = None


@dataclass(frozen=True, kw_only=True)
class DescribedTopic:
    """A topic's attributes."""

    arn: str
    content_based_deduplication: bool = False


@dataclass(frozen=True, kw_only=True)
class DescribedSubscription:
    """The subscription of a queue to a topic; ``scope`` says what the filter policy looks at."""

    confirmed: bool = True
    raw_delivery: bool = False
    filter_policy: Policy = field(default_factory=dict)
    scope: str = "MessageAttributes"


@dataclass(frozen=True, kw_only=True)
class DescribedKeys:
    """The keys of a table or index, each as its name and type; no sort key is None."""

    key: tuple[str, str]
    sort_key: tuple[str, str] | None = None


@dataclass(frozen=True, kw_only=True)
class DescribedIndex:
    """A global secondary index."""

    status: str
    keys: DescribedKeys
    projection: str


@dataclass(frozen=True, kw_only=True)
class DescribedTable:
    """A table's schema and state."""

    status: str
    keys: DescribedKeys
    billed_per_request: bool
    indexes: Mapping[str, DescribedIndex] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class DescribedTimeToLive:
    """The attribute by which a table's items expire; None when they never do."""

    attribute: str | None = None


@dataclass(frozen=True, kw_only=True)
class DescribedTarget:
    """Where a rule delivers; with ``transformed`` it sends something else than the event itself."""

    arn: str
    transformed: bool = False


@dataclass(frozen=True, kw_only=True)
class DescribedRule:
    """A rule of an event bus."""

    arn: str
    enabled: bool = True
    pattern: Policy = field(default_factory=dict)
    targets: Sequence[DescribedTarget] = ()


@dataclass(frozen=True, kw_only=True)
class DescribedSecret:
    """A secret's state; ``goes_at`` is set when it is scheduled for deletion. Its value is never read."""

    arn: str
    goes_at: datetime | None = None


class Account(Protocol):
    """An AWS account, read only. Every verb raises RemoteError, NotFound for what does not exist."""

    def principal(self) -> str:
        """The ARN of whose credentials these are; needs no permission."""
        ...

    def queue(self, queue: QueueResource) -> DescribedQueue: ...

    def topic(self, topic: TopicResource) -> DescribedTopic: ...

    def subscription(self, topic: TopicResource, queue: QueueResource) -> DescribedSubscription | None:
        """The queue's subscription to the topic, None when there is none."""
        ...

    def table(self, table: TableResource) -> DescribedTable: ...

    def time_to_live(self, table: TableResource) -> DescribedTimeToLive: ...

    def event_bus(self, bus: EventBusResource) -> str:
        """The bus's ARN."""
        ...

    def rule(self, rule: BusRule, queue: QueueResource) -> DescribedRule | None:
        """The rule that feeds the queue, None when its bus has none of that name."""
        ...

    def secret(self, secret: SecretResource) -> DescribedSecret: ...

    def arn(self, resource: Resource) -> str:
        """The resource's ARN; only for the name of a secret AWS must be asked."""
        ...

    def refused(self, principal: str, actions: Sequence[str], arn: str) -> Sequence[str]:
        """Those of the actions on this resource that the principal's policies do not allow."""
        ...
