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
from blackcat.errors import BlackcatError, NotFound, QueueNotFound, TopicNotFound, UnknownService
from blackcat.infra.dev_session import find_session
from blackcat.infra.project import Project, find_project
from blackcat.resources import QueueResource, TopicResource

if TYPE_CHECKING:
    from blackcat.adapters_aws import AwsOptions, SqsBroker
    from blackcat.infra.configuration import Settings

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
    def broker(self) -> SqsBroker:
        from blackcat.adapters_aws import SqsBroker

        return SqsBroker(self.options)

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
        """``at http://…``, or ``in AWS account …``."""
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
    from blackcat.infra.configuration import Settings, export_aws_variables

    project = find_project(start)
    project.enter()
    turn_to_running_dev(project)
    settings = Settings()
    export_aws_variables()
    return Place(project, settings)


def turn_to_running_dev(project: Project) -> None:
    """Let the environment lead to the project's ``blackcat dev``, unless it names an address itself."""
    session = None if "AWS_ENDPOINT_URL" in os.environ else find_session(project.root)
    if session:
        for name in _OF_REAL_ACCOUNTS:
            os.environ.pop(name, None)
        os.environ.update(session.environment())
    elif not os.environ.get("AWS_ENDPOINT_URL"):
        os.environ.pop("AWS_ENDPOINT_URL", None)


def _queue_names(registry: ServiceRegistry) -> Iterator[str]:
    for resource in registry.resources:
        if isinstance(resource, QueueResource):
            yield resource.name
            if resource.dead_letter:
                yield resource.dead_letter.name


def _topic_names(registry: ServiceRegistry) -> Iterator[str]:
    return (resource.name for resource in registry.resources if isinstance(resource, TopicResource))
