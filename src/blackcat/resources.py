"""The AWS resources that a project declares, and what its services may do with them.

One declaration drives everything: local provisioning, the IAM policy, the deployment template.
Nothing here talks to AWS; ``blackcat.connect`` turns a declared resource into an adapter.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import Enum
from typing import Any, Literal, TypeVar

from blackcat.errors import InvalidDeclaration

FIFO_SUFFIX = ".fifo"

# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html
QUEUE_NAME_MAX = 80
MAX_VISIBILITY = timedelta(hours=12)
MAX_DELAY = timedelta(minutes=15)
MIN_RETENTION = timedelta(minutes=1)
MAX_RETENTION = timedelta(days=14)
MAX_RECEIVE_COUNT = 1000
# https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html
TOPIC_NAME_MAX = 256
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
TABLE_NAME = re.compile(r"[A-Za-z0-9_.-]{3,255}")
# https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_CreateEventBus.html
BUS_NAME = re.compile(r"[A-Za-z0-9_.-]{1,256}")
DEFAULT_BUS = "default"
# https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html
RULE_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
RULE_NAME_MAX = 64
MAX_PATTERN_LENGTH = 4096

# https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html
SECRET_NAME = re.compile(r"[A-Za-z0-9/_+=.@-]{1,512}")
SECRET_ARN = re.compile(r"arn:[a-z-]+:secretsmanager:[a-z0-9-]+:\d{12}:secret:[A-Za-z0-9/_+=.@-]{1,512}")

_MESSAGING_NAME = re.compile(r"[A-Za-z0-9_-]+(\.fifo)?")

KeyType = Literal["S", "N", "B"]


class Access(Enum):
    """What a grant allows."""

    SEND = "send"
    CONSUME = "consume"
    PUBLISH = "publish"
    PUT = "put"
    READ = "read"
    WRITE = "write"
    READ_WRITE = "read and write"
    LOCK = "lock"


@dataclass(frozen=True)
class Grant:
    """A service's permission to use a resource; made by the resource's own methods."""

    resource: Resource
    access: Access


@dataclass(frozen=True)
class QueueResource:
    """An SQS queue, with its dead-letter queue.

    A name that ends in ``.fifo`` declares a FIFO queue. ``visibility_timeout`` (up to 12 hours) is
    the lease of a received message; consumers extend it while they work. After
    ``max_receive_count`` receives (1 to 1000) SQS moves a message to the dead-letter queue; None
    declares a queue without one. ``retention`` runs from 1 minute to 14 days, ``delay`` up to 15
    minutes. Raises InvalidDeclaration.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
    """

    name: str
    visibility_timeout: timedelta = timedelta(seconds=60)
    max_receive_count: int | None = 5
    retention: timedelta = timedelta(days=4)
    delay: timedelta = timedelta(0)
    content_based_deduplication: bool = False

    def __post_init__(self) -> None:
        _require_valid(f"queue '{self.name}'", self._problems())

    @property
    def fifo(self) -> bool:
        return self.name.endswith(FIFO_SUFFIX)

    @property
    def dead_letter(self) -> QueueResource | None:
        """The queue that takes what could not be handled; it keeps messages for 14 days."""
        if self.max_receive_count is None:
            return None
        return QueueResource(
            name=dead_letter_name(self.name), max_receive_count=None, retention=MAX_RETENTION
        )

    def send(self) -> Grant:
        return Grant(self, Access.SEND)

    def consume(self) -> Grant:
        return Grant(self, Access.CONSUME)

    def _problems(self) -> Iterator[str]:
        misnamed = list(_messaging_name_problems(self.name, QUEUE_NAME_MAX))
        yield from misnamed
        if misnamed:
            return
        if self.max_receive_count is not None:
            dead_letter = dead_letter_name(self.name)
            if len(dead_letter) > QUEUE_NAME_MAX >= len(self.name):
                yield (
                    f"name is too long for its dead-letter queue '{dead_letter}': "
                    f"keep it within {QUEUE_NAME_MAX - 4} characters"
                )
            if not 1 <= self.max_receive_count <= MAX_RECEIVE_COUNT:
                yield f"max_receive_count must be 1 to {MAX_RECEIVE_COUNT}, or None for no dead-letter queue"
        yield from _range_problem("visibility_timeout", self.visibility_timeout, timedelta(0), MAX_VISIBILITY)
        yield from _range_problem("retention", self.retention, MIN_RETENTION, MAX_RETENTION)
        yield from _range_problem("delay", self.delay, timedelta(0), MAX_DELAY)
        yield from _fifo_problems(self.name, self.content_based_deduplication)


@dataclass(frozen=True)
class TopicResource:
    """An SNS topic; a name that ends in ``.fifo`` declares a FIFO topic. Raises InvalidDeclaration.

    https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html
    """

    name: str
    content_based_deduplication: bool = False

    def __post_init__(self) -> None:
        _require_valid(f"topic '{self.name}'", self._problems())

    @property
    def fifo(self) -> bool:
        return self.name.endswith(FIFO_SUFFIX)

    def publish(self) -> Grant:
        return Grant(self, Access.PUBLISH)

    def subscription(
        self, *, filter_policy: Mapping[str, Any] | None = None, raw_delivery: bool = False
    ) -> Subscription:
        """A subscription to this topic, for a service's ``subscribes``.

        ``filter_policy`` matches on message attributes. With ``raw_delivery`` the queue receives the
        published text itself instead of SNS's envelope; handlers see the same either way.

        https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html
        """
        return Subscription(self, filter_policy=filter_policy, raw_delivery=raw_delivery)

    def _problems(self) -> Iterator[str]:
        yield from _messaging_name_problems(self.name, TOPIC_NAME_MAX)
        yield from _fifo_problems(self.name, self.content_based_deduplication)


@dataclass(frozen=True)
class Subscription:
    """A topic tied to the queue of a consumer."""

    topic: TopicResource
    filter_policy: Mapping[str, Any] | None = None
    raw_delivery: bool = False


@dataclass(frozen=True)
class EventBusResource:
    """An EventBridge event bus. Raises InvalidDeclaration.

    ``default`` names the bus that every account has, where AWS's own services put their events; it
    bears no RESOURCE_PREFIX.

    https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_CreateEventBus.html
    """

    name: str

    def __post_init__(self) -> None:
        _require_valid(f"event bus '{self.name}'", self._problems())

    def put(self) -> Grant:
        return Grant(self, Access.PUT)

    def rule(self, *, pattern: Mapping[str, Any], name: str = "") -> BusRule:
        """A rule of this bus, for a service's ``subscribes``: events that match come to its queue.

        ``pattern`` is EventBridge's: for a field of the event the list of what it may be, such as
        ``{"source": ["shop.payments"], "detail": {"amount": [{"numeric": [">", 100]}]}}``. A service
        that takes several rules of one bus gives each a ``name``. Raises InvalidDeclaration.

        https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html
        """
        return BusRule(self, pattern=pattern, name=name)

    def _problems(self) -> Iterator[str]:
        if not isinstance(self.name, str) or not BUS_NAME.fullmatch(self.name):
            yield "name must be 1 to 256 letters, digits, '_', '-' or '.'"


@dataclass(frozen=True)
class BusRule:
    """A rule of an event bus, tied to the queue of a consumer. Raises InvalidDeclaration."""

    bus: EventBusResource
    pattern: Mapping[str, Any]
    name: str = ""

    def __post_init__(self) -> None:
        _require_valid(f"rule of event bus '{self.bus.name}'", self._problems())

    def name_for(self, queue_name: str) -> str:
        """The rule's name in AWS: the queue's, and its own if it has one; a long one ends with a digest."""
        full = self.whole_name(queue_name)
        if len(full) <= RULE_NAME_MAX:
            return full
        digest = hashlib.sha256(full.encode()).hexdigest()[:8]
        return f"{full[: RULE_NAME_MAX - len(digest) - 1]}-{digest}"

    def whole_name(self, queue_name: str) -> str:
        """The same before it is shortened to what AWS takes."""
        return f"{queue_name}-{self.name}" if self.name else queue_name

    def _problems(self) -> Iterator[str]:
        if self.name and not RULE_NAME.fullmatch(self.name):
            yield f"its name must be 1 to {RULE_NAME_MAX} letters, digits, '_', '-' or '.'"
        if not isinstance(self.pattern, Mapping) or not self.pattern:
            yield "pattern must say which events match, such as pattern={'source': ['shop.payments']}"
            return
        yield from _pattern_problems(self.pattern, "pattern")
        if len(json.dumps(self.pattern, default=str)) > MAX_PATTERN_LENGTH:
            yield f"pattern must fit in {MAX_PATTERN_LENGTH} characters of JSON"


@dataclass(frozen=True)
class TableIndex:
    """A global secondary index of a table: another key to query by."""

    name: str
    key: str
    sort_key: str | None = None
    key_type: KeyType = "S"
    sort_key_type: KeyType = "S"


@dataclass(frozen=True)
class TableResource:
    """A DynamoDB table, billed per request.

    ``key`` is the partition key and ``sort_key`` the sort key, of type S (text), N (number) or B
    (bytes). ``ttl`` names the attribute that holds the time after which DynamoDB removes an item,
    which it does within a few days. Raises InvalidDeclaration.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.CoreComponents.html
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html
    """

    name: str
    key: str
    sort_key: str | None = None
    key_type: KeyType = "S"
    sort_key_type: KeyType = "S"
    indexes: Sequence[TableIndex] = ()
    ttl: str | None = None

    def __post_init__(self) -> None:
        _require_valid(f"table '{self.name}'", self._problems())
        object.__setattr__(self, "indexes", tuple(self.indexes))

    def read(self) -> Grant:
        return Grant(self, Access.READ)

    def write(self) -> Grant:
        return Grant(self, Access.WRITE)

    def read_write(self) -> Grant:
        return Grant(self, Access.READ_WRITE)

    def lock(self) -> Grant:
        """To keep a lock in it: to get single items, and to put them."""
        return Grant(self, Access.LOCK)

    def index(self, name: str) -> TableIndex:
        """The index of that name. Raises InvalidDeclaration when there is none."""
        for index in self.indexes:
            if index.name == name:
                return index
        known = ", ".join(index.name for index in self.indexes) or "none"
        raise InvalidDeclaration(f"table '{self.name}' has no index '{name}'; its indexes: {known}")

    def _problems(self) -> Iterator[str]:
        if not isinstance(self.name, str) or not TABLE_NAME.fullmatch(self.name):
            yield "name must be 3 to 255 letters, digits, '_', '-' or '.'"
        if not self.key:
            yield "key must name the attribute that identifies an item, such as key='payment_id'"
        if self.sort_key == self.key:
            yield f"sort_key must differ from key '{self.key}'"
        if self.ttl is not None and (not self.ttl or self.ttl in (self.key, self.sort_key)):
            yield "ttl must name an attribute of its own, such as ttl='expires_at'"
        names = [index.name for index in self.indexes]
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield f"indexes holds '{name}' twice"


@dataclass(frozen=True)
class SecretResource:
    """A secret of Secrets Manager, by its name, or by its ARN where another project or account owns it.

    A name bears the RESOURCE_PREFIX, an ARN never does. ``dev_value`` is what the secret holds on an
    emulator: text, bytes, or anything else as JSON; nothing else ever reads it. Raises
    InvalidDeclaration.

    https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html
    """

    name: str
    dev_value: Any = field(default=None, repr=False, hash=False)

    def __post_init__(self) -> None:
        _require_valid(f"secret '{self.name}'", self._problems())

    @property
    def by_arn(self) -> bool:
        return self.name.startswith("arn:")

    def read(self) -> Grant:
        return Grant(self, Access.READ)

    def _problems(self) -> Iterator[str]:
        pattern = SECRET_ARN if isinstance(self.name, str) and self.by_arn else SECRET_NAME
        if not isinstance(self.name, str) or not pattern.fullmatch(self.name):
            yield (
                "name must be 1 to 512 letters, digits or any of '/_+=.@-', or an ARN such as "
                "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop/db-AbCdEf"
            )
        elif self.by_arn and self.dev_value is not None:
            yield "dev_value needs a name: no emulator holds a secret under an ARN of AWS's"


Resource = QueueResource | TopicResource | TableResource | EventBusResource | SecretResource
AnyResource = TypeVar("AnyResource", bound=Resource)


def with_prefix(resource: AnyResource, prefix: str) -> AnyResource:
    """The same resource under the name that it bears in an environment with a RESOURCE_PREFIX."""
    if isinstance(resource, EventBusResource) and resource.name == DEFAULT_BUS:
        return resource
    if isinstance(resource, SecretResource) and resource.by_arn:
        return resource
    return replace(resource, name=f"{prefix}{resource.name}") if prefix else resource


def dead_letter_name(queue_name: str) -> str:
    """The name of a declared queue's dead-letter queue: ``orders`` has ``orders_dlq``."""
    stem = queue_name.removesuffix(FIFO_SUFFIX)
    return f"{stem}_dlq{queue_name[len(stem) :]}"


def _require_valid(subject: str, problems: Iterator[str]) -> None:
    found = list(problems)
    if found:
        raise InvalidDeclaration("; ".join(f"{subject}: {problem}" for problem in found))


def _messaging_name_problems(name: str, longest: int) -> Iterator[str]:
    if not isinstance(name, str) or not _MESSAGING_NAME.fullmatch(name) or len(name) > longest:
        yield f"name must be 1 to {longest} letters, digits, '-' or '_', with '.fifo' at its end for FIFO"


def _range_problem(name: str, value: timedelta, lowest: timedelta, highest: timedelta) -> Iterator[str]:
    if not lowest <= value <= highest:
        yield f"{name} must lie between {lowest} and {highest}"


def _pattern_problems(pattern: Mapping[str, Any], path: str) -> Iterator[str]:
    for name, wanted in pattern.items():
        where = f"{path}[{name!r}]"
        if isinstance(wanted, Mapping):
            yield from _pattern_problems(wanted, where)
        elif not isinstance(wanted, list | tuple) or not wanted:
            yield f"{where} is {wanted!r}: list what the field may be, such as [{wanted or 'a'!r}]"


def _fifo_problems(name: str, content_based_deduplication: bool) -> Iterator[str]:
    if content_based_deduplication and not name.endswith(FIFO_SUFFIX):
        yield (
            "content_based_deduplication is a FIFO option: "
            f"name it '{name}{FIFO_SUFFIX}', or leave the option out"
        )
