"""What there is to deploy: a registry's services and resources, ready for templates to name."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta

from blackcat.application.deployment.names import numbers
from blackcat.domain.service import Service, ServiceType
from blackcat.resources import (
    DEFAULT_BUS,
    BusRule,
    EventBusResource,
    QueueResource,
    SecretResource,
    Subscription,
    TableResource,
    TopicResource,
)

# `blackcat package` has the same two.
DEFAULT_PYTHON = "3.12"
DEFAULT_ARCHITECTURE = "x86_64"
DEFAULT_SHUTDOWN_SECONDS = 25
# What a platform waits beyond the shutdown budget before it kills.
STOP_MARGIN_SECONDS = 5
HEALTH_PORT = 8080
API_PORT = 8000
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-rules.html
LAST_PRIORITY = 50_000


@dataclass(frozen=True)
class Environment:
    """Where a project is deployed; ``prefix`` is put before the names of its resources there."""

    name: str
    prefix: str

    @property
    def production(self) -> bool:
        return self.name == "prod"


ENVIRONMENTS = (Environment("dev", "dev_"), Environment("staging", "staging_"), Environment("prod", ""))


@dataclass(frozen=True)
class DeployedRule:
    """A rule that brings events of a bus to a queue; ``name`` is its own in AWS, without the prefix."""

    declared: BusRule
    name: str
    logical: str


@dataclass(frozen=True)
class DeployedQueue:
    """A queue. ``foreign`` means that nobody here consumes it: another project may own it."""

    declared: QueueResource
    logical: str
    dead_letter: DeployedQueue | None = None
    subscriptions: tuple[Subscription, ...] = ()
    rules: tuple[DeployedRule, ...] = ()
    foreign: bool = False

    @property
    def name(self) -> str:
        return self.declared.name

    @property
    def fifo(self) -> bool:
        return self.declared.fifo

    @property
    def visibility_seconds(self) -> int:
        return _seconds(self.declared.visibility_timeout)

    @property
    def retention_seconds(self) -> int:
        return _seconds(self.declared.retention)

    @property
    def delay_seconds(self) -> int:
        return _seconds(self.declared.delay)


@dataclass(frozen=True)
class DeployedTopic:
    """A topic. ``foreign`` means that nobody here publishes to it: another project may own it."""

    declared: TopicResource
    logical: str
    foreign: bool = False

    @property
    def name(self) -> str:
        return self.declared.name

    @property
    def fifo(self) -> bool:
        return self.declared.fifo


@dataclass(frozen=True)
class DeployedBus:
    """An event bus. ``foreign`` means that nobody here puts events on it; the default bus always is."""

    declared: EventBusResource
    logical: str
    foreign: bool = False

    @property
    def name(self) -> str:
        return self.declared.name

    @property
    def default(self) -> bool:
        return self.name == DEFAULT_BUS


@dataclass(frozen=True)
class DeployedTable:
    """A table."""

    declared: TableResource
    logical: str

    @property
    def name(self) -> str:
        return self.declared.name

    @property
    def attributes(self) -> dict[str, str]:
        """The type of each attribute that is part of a key, of the table's or of an index's."""
        table = self.declared
        keys = [(table.key, table.key_type), (table.sort_key, table.sort_key_type)]
        for index in table.indexes:
            keys += [(index.key, index.key_type), (index.sort_key, index.sort_key_type)]
        return {name: type_ for name, type_ in keys if name}


@dataclass(frozen=True)
class DeployedSecret:
    """A secret. ``foreign`` means that it is named by its ARN: another project or account owns it."""

    declared: SecretResource
    logical: str

    @property
    def name(self) -> str:
        return self.declared.name

    @property
    def foreign(self) -> bool:
        return self.declared.by_arn


@dataclass(frozen=True)
class DeployedService:
    """A service.

    ``label`` names it where a DNS label is wanted, ``qualified`` where the project's name is to be told too,
    and ``logical`` begins its logical ids.
    """

    declared: Service
    label: str
    qualified: str
    logical: str
    queue: DeployedQueue | None
    shutdown_seconds: int

    @property
    def name(self) -> str:
        return self.declared.name

    @property
    def type(self) -> str:
        return self.declared.type.value

    @property
    def consumer(self) -> bool:
        return self.declared.type is ServiceType.CONSUMER

    @property
    def worker(self) -> bool:
        return self.declared.type is ServiceType.WORKER

    @property
    def api(self) -> bool:
        return self.declared.type is ServiceType.REST_API

    @property
    def port(self) -> int | None:
        """Where it answers for its health, and an API for everything; a worker answers nowhere."""
        return {ServiceType.CONSUMER: HEALTH_PORT, ServiceType.REST_API: API_PORT}.get(self.declared.type)

    @property
    def stop_seconds(self) -> int:
        """How long a platform has to wait between asking it to stop and killing it."""
        return self.shutdown_seconds + STOP_MARGIN_SECONDS

    @property
    def deadline_seconds(self) -> int | None:
        return _seconds(self.declared.deadline) if self.declared.deadline else None

    @property
    def variables(self) -> dict[str, str]:
        """The environment variables that this service, and no other, is given everywhere."""
        return {"SERVICE_NAME": self.name, "SHUTDOWN_TIMEOUT_SECONDS": str(self.shutdown_seconds)}


@dataclass(frozen=True)
class Deployment:
    """A project as it is deployed.

    ``name`` is a DNS label, ``python`` a version such as 3.12, ``architecture`` x86_64 or arm64.
    """

    name: str
    logical: str
    python: str
    architecture: str
    services: tuple[DeployedService, ...]
    queues: tuple[DeployedQueue, ...]
    topics: tuple[DeployedTopic, ...]
    buses: tuple[DeployedBus, ...]
    tables: tuple[DeployedTable, ...]
    secrets: tuple[DeployedSecret, ...]
    environments: tuple[Environment, ...] = ENVIRONMENTS

    @property
    def consumers(self) -> tuple[DeployedService, ...]:
        return tuple(service for service in self.services if service.consumer)

    @property
    def workers(self) -> tuple[DeployedService, ...]:
        return tuple(service for service in self.services if service.worker)

    @property
    def priorities(self) -> dict[str, int]:
        """The place of each API's rule at the load balancer, by name; the last one is left for the rest."""
        return numbers((service.name for service in self.apis), LAST_PRIORITY - 1)

    @property
    def apis(self) -> tuple[DeployedService, ...]:
        return tuple(service for service in self.services if service.api)


def _seconds(duration: timedelta) -> int:
    return math.ceil(duration.total_seconds())
