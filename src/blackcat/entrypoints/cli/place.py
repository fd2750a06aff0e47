"""Where a command's calls go: the project's running ``blackcat dev``, or what its settings say."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from blackcat.domain.registry import ServiceRegistry
from blackcat.domain.service import Service, ServiceType
from blackcat.errors import (
    BlackcatError,
    ConfigurationError,
    NotFound,
    QueueNotFound,
    TopicNotFound,
    UnknownService,
)
from blackcat.infra.project.dev_session import DevSession, find_session
from blackcat.infra.project.project import Project, find_project
from blackcat.resources import QueueResource, TopicResource

if TYPE_CHECKING:
    from blackcat.adapters_aws import AwsOptions
    from blackcat.adapters_rabbitmq import RabbitOptions
    from blackcat.application.ports import Broker
    from blackcat.infra.settings.configuration import Settings

# Variables that would mix the user's own AWS credentials with those of the emulator.
_OF_REAL_ACCOUNTS = ("AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_DEFAULT_PROFILE")


@dataclass(frozen=True)
class Place:
    """A project, and the AWS or emulator that its commands talk to."""

    project: Project
    settings: Settings

    @cached_property
    def options(self) -> AwsOptions:
        from blackcat.entrypoints.connections import aws_options

        return aws_options(self.settings)

    @cached_property
    def rabbitmq(self) -> RabbitOptions | None:
        """Where its queues and topics are, unless they are on SQS and SNS."""
        from blackcat.entrypoints.connections import rabbit_options

        return rabbit_options(self.settings)

    @cached_property
    def broker(self) -> Broker:
        from blackcat.entrypoints.connections import broker

        return broker(self.settings)

    @cached_property
    def registry(self) -> ServiceRegistry:
        """Raises ProjectError."""
        from blackcat.entrypoints.cli.output import results_only

        with results_only():
            return self.project.registry()

    def service(self, name: str) -> Service:
        """The service of that name. Raises UnknownService, with the nearest."""
        return self.registry.select(name)

    def consumer(self, name: str) -> Service:
        """The consumer of that name. Raises UnknownService."""
        service = self.service(name)
        if service.type is ServiceType.CONSUMER:
            return service
        consumers = [one.name for one in self.registry if one.type is ServiceType.CONSUMER]
        raise UnknownService(
            f"'{name}' is a {service.type.value}; consumers have dead-letter queues: "
            f"{', '.join(consumers) or 'there is none here'}"
        )

    def named(self, name: str) -> str:
        """The name that a declared resource bears here: RESOURCE_PREFIX before it, once."""
        prefix = self.settings.resource_prefix
        return name if name.startswith(prefix) else f"{prefix}{name}"

    def described(self, service: str = "sqs") -> str:
        """Where its queues (or topics: ``sns``) are: ``at http://…``, or ``in AWS account …``."""
        if self.rabbitmq:
            return f"in RabbitMQ at {self.rabbitmq.address}"
        return self._in_aws(service)

    def around(self) -> str:
        """What a service finds that runs here."""
        found = f"its AWS is {self._in_aws('sqs')}"
        return f"{found}, its queues are {self.described()}" if self.rabbitmq else found

    def _in_aws(self, service: str) -> str:
        from blackcat.adapters_aws.destination import destination

        return destination(service, self.options)

    @contextmanager
    def explaining_missing(self) -> Iterator[None]:
        """A queue or topic that is not there is told with the nearest names that the project declares."""
        try:
            yield
        except QueueNotFound as error:
            raise QueueNotFound(self._missing("queue", error, _queue_names)) from error
        except TopicNotFound as error:
            raise TopicNotFound(self._missing("topic", error, _topic_names, "sns")) from error

    def _missing(
        self,
        kind: str,
        error: NotFound,
        names: Callable[[ServiceRegistry], Iterator[str]],
        service: str = "sqs",
    ) -> str:
        told = f"there is no {kind} '{error.resource}' {self.described(service)}"
        try:
            declared = sorted({self.named(name) for name in names(self.registry)})
        except BlackcatError:  # the registry's own problem is for other commands to tell
            return told
        if error.resource in declared:
            return f"{told}: the project declares it, but nothing has created it there"
        nearest = difflib.get_close_matches(error.resource, declared, n=3, cutoff=0.5)
        if nearest:
            return f"{told}: did you mean {' or '.join(repr(name) for name in nearest)}?"
        return f"{told}: the project declares {', '.join(declared) or 'none'}"


def find_place(start: Path) -> Place:
    """The place of the project in that folder, which becomes the working directory.

    An AWS_ENDPOINT_URL of the environment (even an empty one) goes before a running ``blackcat dev``,
    and that before the ``.env`` files. Raises ProjectError or SettingsError.
    """
    from blackcat.infra.settings.configuration import Settings, export_aws_variables

    project = find_project(start)
    project.enter()
    turn_to_running_dev(project)
    settings = Settings()
    export_aws_variables()
    return Place(project, settings)


def turn_to_running_dev(project: Project) -> None:
    """Let the environment lead to the project's ``blackcat dev``, unless it names an address itself.

    Raises ConfigurationError when that has its queues elsewhere than this environment says.
    """
    session = None if "AWS_ENDPOINT_URL" in os.environ else find_session(project.root)
    if session:
        _check_backend(session)
        for name in _OF_REAL_ACCOUNTS:
            os.environ.pop(name, None)
        os.environ.update(session.environment())
    elif not os.environ.get("AWS_ENDPOINT_URL"):
        os.environ.pop("AWS_ENDPOINT_URL", None)


def _check_backend(session: DevSession) -> None:
    """RABBITMQ_URL holds a password: dev leaves it nowhere for others to read."""
    from blackcat.infra.settings.configuration import told

    here = told().get("QUEUE_BACKEND", "sqs")
    if here != session.queue_backend:
        raise ConfigurationError(
            f"the running `blackcat dev` has its queues on {session.queue_backend}, and QUEUE_BACKEND says "
            f"{here} here: set QUEUE_BACKEND and RABBITMQ_URL here as there, in .env for example"
        )


def _queue_names(registry: ServiceRegistry) -> Iterator[str]:
    for resource in registry.resources:
        if isinstance(resource, QueueResource):
            yield resource.name
            if resource.dead_letter:
                yield resource.dead_letter.name


def _topic_names(registry: ServiceRegistry) -> Iterator[str]:
    return (resource.name for resource in registry.resources if isinstance(resource, TopicResource))
