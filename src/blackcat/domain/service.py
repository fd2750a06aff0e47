"""The declaration of one service."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from typing import Any

from blackcat.domain.circuit import CircuitBreaker
from blackcat.domain.health import Check
from blackcat.domain.retry import RetryPolicy
from blackcat.domain.schedule import schedule as parsed_schedule
from blackcat.errors import InvalidDeclaration
from blackcat.resources import (
    FIFO_SUFFIX,
    BusRule,
    Grant,
    QueueResource,
    Subscription,
    TableResource,
    TopicResource,
)

# What every place that names a service takes: an environment variable, a container and a log group,
# a Kubernetes object and a Lambda function (https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html).
_SERVICE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,62}")
_IMPORT_STRING = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_MODULE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_COLLECTIONS = ("uses", "middleware", "subscribes", "non_retryable", "checks")
_OF_CONSUMERS = (
    "queue_name",
    "subscribes",
    "non_retryable",
    "middleware",
    "rate_limit",
    "circuit_breaker",
)
_OF_WORKERS = ("schedule", "timezone", "deadline", "exclusive")

ExceptionType = type[Exception]


class ServiceType(Enum):
    """What a service is: it decides how it runs."""

    CONSUMER = "consumer"
    WORKER = "worker"
    REST_API = "rest-api"

    @classmethod
    def _missing_(cls, value: object) -> ServiceType | None:
        wanted = re.sub(r"[-_ ]", "", str(value)).lower()
        return next((member for member in cls if member.value.replace("-", "") == wanted), None)


@dataclass(frozen=True, kw_only=True)
class Service:
    """One service of a project; one that could not work cannot be built.

    ``name`` has up to 63 letters, digits, '-' and '_' and starts with a letter; SERVICE_NAME selects
    by it. ``entrypoint`` (consumers and workers) is an import string such as
    ``"shop.consumers:OrderConsumer"``, or a callable; ``endpoint_module`` (REST APIs) names the module
    whose Flask Blueprints are served. Both are imported only by the process that runs the service.

    A consumer handles the queue that ``queue_name`` names; ``subscribes`` ties topics and rules of
    event buses to that queue, ``retry`` spaces its retries, ``non_retryable`` lists exceptions (or
    import strings of them) that dead-letter at once. ``middleware`` (callables, classes that the
    container builds, or import strings) is folded around the handler, first one outermost.
    ``rate_limit`` is in messages per second and process; a ``circuit_breaker`` pauses polling while
    handlers fail in a row.
    A worker runs once, or on a ``schedule``: ``rate(5 minutes)``, or ``cron(0 3 * * ? *)`` on the clocks
    of ``timezone``, an IANA name, UTC without it
    (https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html). A run that lasts longer
    than ``deadline`` is asked to stop, and ended. With ``exclusive`` one run goes at a time: a lock in the
    table ``<name>_lock`` sees to it, which is declared by this.
    ``checks`` are what the health of a consumer or REST API looks at besides.
    ``uses`` lists grants on resources. Raises InvalidDeclaration, naming service, field and fix.
    """

    name: str
    type: ServiceType
    entrypoint: str | Callable[..., Any] | None = None
    queue_name: str | None = None
    endpoint_module: str | None = None
    schedule: str | None = None
    timezone: str | None = None
    deadline: timedelta | None = None
    exclusive: bool = False
    subscribes: Sequence[TopicResource | Subscription | BusRule] = ()
    uses: Sequence[Grant] = ()
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    non_retryable: Sequence[str | ExceptionType] = ()
    middleware: Sequence[str | Callable[..., Any]] = ()
    rate_limit: float | None = None
    circuit_breaker: CircuitBreaker | None = None
    checks: Sequence[Check] = ()

    def __post_init__(self) -> None:
        problems = list(self._problems())
        if problems:
            kind = self.type.value if isinstance(self.type, ServiceType) else "service"
            raise InvalidDeclaration("; ".join(f"{kind} '{self.name}' {problem}" for problem in problems))
        for name in _COLLECTIONS:
            object.__setattr__(self, name, tuple(getattr(self, name)))

    @property
    def subscriptions(self) -> tuple[Subscription, ...]:
        """The topics among ``subscribes``."""
        return tuple(
            declared if isinstance(declared, Subscription) else declared.subscription()
            for declared in self.subscribes
            if not isinstance(declared, BusRule)
        )

    @property
    def rules(self) -> tuple[BusRule, ...]:
        """The rules of event buses among ``subscribes``."""
        return tuple(declared for declared in self.subscribes if isinstance(declared, BusRule))

    @property
    def queue(self) -> QueueResource | None:
        """The consumer's queue with default attributes; the registry knows the declared ones."""
        return QueueResource(self.queue_name) if self.queue_name else None

    @property
    def when(self) -> str:
        """The schedule with its time zone, for people; empty without one."""
        return " ".join(filter(None, (self.schedule, self.timezone)))

    @property
    def lock(self) -> TableResource | None:
        """The table that holds an exclusive worker's lock, and when it last succeeded."""
        return TableResource(f"{self.name}_lock", key="name") if self.exclusive else None

    @property
    def grants(self) -> tuple[Grant, ...]:
        """What it may use: ``uses``, and its lock."""
        return (*self.uses, self.lock.lock()) if self.lock else tuple(self.uses)

    def _problems(self) -> Iterator[str]:
        if not isinstance(self.name, str) or not _SERVICE_NAME.fullmatch(self.name):
            yield (
                "has a name that SERVICE_NAME could not carry everywhere: use 1 to 63 letters, digits, "
                "'-' or '_', starting with a letter"
            )
        if not isinstance(self.type, ServiceType):
            names = ", ".join(f"ServiceType.{member.name}" for member in ServiceType)
            yield f"needs type: one of {names}, not {self.type!r}"
            return
        in_collections = list(self._collection_problems())
        yield from in_collections
        if not in_collections:
            yield from _PROBLEMS_BY_TYPE[self.type](self)

    def _collection_problems(self) -> Iterator[str]:
        for name in _COLLECTIONS:
            if isinstance(getattr(self, name), str) or not isinstance(getattr(self, name), Iterable):
                yield f"has {name}={getattr(self, name)!r}: write a list, {name}=[...]"
                return
        if not isinstance(self.retry, RetryPolicy):
            yield "has a retry that is no RetryPolicy: leave it out for the default"
        for grant in self.uses:
            if not isinstance(grant, Grant):
                yield f"lists {grant!r} in uses: list grants, such as payments.read_write()"
        yield from self._check_problems()
        for declared in self.subscribes:
            if not isinstance(declared, TopicResource | Subscription | BusRule):
                yield (
                    f"lists {declared!r} in subscribes: list topics, topic.subscription(...) "
                    "or bus.rule(pattern=...)"
                )

    def _consumer_problems(self) -> Iterator[str]:
        if not self.queue_name or not isinstance(self.queue_name, str):
            yield "needs queue_name: name the queue that it consumes, such as queue_name='start_payment_cmd'"
        else:
            yield from _queue_problems(self.queue_name)
            yield from self._rule_problems()
        yield from self._entrypoint_problems()
        yield from self._failure_problems()
        yield from self._misplaced("endpoint_module", *_OF_WORKERS)

    def _worker_problems(self) -> Iterator[str]:
        yield from self._entrypoint_problems()
        yield from self._misplaced("endpoint_module", "checks", *_OF_CONSUMERS)
        yield from self._schedule_problems()
        if self.deadline is not None and not _is_duration(self.deadline):
            yield f"has the deadline {self.deadline!r}: write deadline=timedelta(minutes=10)"
        if not isinstance(self.exclusive, bool):
            yield f"has exclusive={self.exclusive!r}: write True or False"

    def _rest_api_problems(self) -> Iterator[str]:
        if not self.endpoint_module:
            yield (
                "needs endpoint_module: name the module that holds its Blueprints, such as "
                "endpoint_module='payment.entrypoints.interfaces.api.rest_api'"
            )
        elif not _MODULE.fullmatch(self.endpoint_module):
            yield f"has the endpoint_module {self.endpoint_module!r}: write it as in an import, 'a.b.c'"
        yield from self._misplaced("entrypoint", *_OF_WORKERS, *_OF_CONSUMERS)

    def _schedule_problems(self) -> Iterator[str]:
        if self.schedule is None:
            if self.timezone is not None:
                yield "has a timezone, and no schedule that it could be for: leave it out"
            return
        try:
            parsed_schedule(self.schedule, self.timezone)
        except InvalidDeclaration as error:
            yield f"has the {error}"

    def _entrypoint_problems(self) -> Iterator[str]:
        if not self.entrypoint:
            yield "needs entrypoint: an import string such as entrypoint='shop.consumers:OrderConsumer'"
        elif not isinstance(self.entrypoint, str):
            if not callable(self.entrypoint):
                yield f"has the entrypoint {self.entrypoint!r}: name a callable, 'module:name'"
        elif not _IMPORT_STRING.fullmatch(self.entrypoint):
            yield (
                f"has the entrypoint {self.entrypoint!r}: write 'module:name', such as "
                "'shop.consumers:OrderConsumer'"
            )

    def _rule_problems(self) -> Iterator[str]:
        names = [(rule.bus.name, rule.name) for rule in self.rules]
        for bus, name in sorted({name for name in names if names.count(name) > 1}):
            yield f"takes two rules of event bus '{bus}' named '{name}': give each a name of its own"
        if self.rules and str(self.queue_name).endswith(FIFO_SUFFIX):
            yield (
                f"takes events in the FIFO queue '{self.queue_name}', where an event has no group: "
                "name a standard queue"
            )

    def _failure_problems(self) -> Iterator[str]:
        if self.rate_limit is not None and not _is_rate(self.rate_limit):
            yield f"has the rate_limit {self.rate_limit!r}: give messages per second, or leave it out"
        if self.circuit_breaker is not None and not isinstance(self.circuit_breaker, CircuitBreaker):
            yield f"has the circuit_breaker {self.circuit_breaker!r}: write CircuitBreaker(failures=10)"
        for kind in self.non_retryable:
            named = isinstance(kind, str) and _IMPORT_STRING.fullmatch(kind)
            if not named and not (isinstance(kind, type) and issubclass(kind, Exception)):
                yield f"lists {kind!r} in non_retryable: list exception types, or 'module:name' of one"

    def _check_problems(self) -> Iterator[str]:
        for check in self.checks:
            if not isinstance(check, Check):
                yield f"lists {check!r} in checks: list Check('database', 'shop.infra.health:database')"
                return
        names = [check.name for check in self.checks]
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield f"has two checks named '{name}': give each a name of its own"

    def _misplaced(self, *names: str) -> Iterator[str]:
        for name in names:
            if getattr(self, name):
                yield f"has {name}, which a {self.type.value} does not use: leave it out"


_PROBLEMS_BY_TYPE = {
    ServiceType.CONSUMER: Service._consumer_problems,
    ServiceType.WORKER: Service._worker_problems,
    ServiceType.REST_API: Service._rest_api_problems,
}


def _is_rate(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf


def _is_duration(value: object) -> bool:
    return isinstance(value, timedelta) and value > timedelta(0)


def _queue_problems(queue_name: str) -> Iterator[str]:
    try:
        QueueResource(queue_name)
    except InvalidDeclaration as error:
        yield f"has a queue_name that SQS refuses: {error}"
