"""A project under test: AWS as an emulator, its queues drained in this process, its services as processes."""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from blackcat.adapters_aws import AwsOptions
from blackcat.application.container import opened_container
from blackcat.application.dev.account import away_from_accounts, checked_endpoint
from blackcat.application.ports import Broker, Resolver
from blackcat.domain.registry import ServiceRegistry
from blackcat.domain.service import Service, ServiceType
from blackcat.entrypoints import connections
from blackcat.entrypoints.dev.environment import from_dotenv
from blackcat.entrypoints.message_handler import message_handler
from blackcat.entrypoints.provisioning import provisioned
from blackcat.errors import InvalidDeclaration
from blackcat.infra.emulator import REGION, running_emulator
from blackcat.infra.project.dev_session import local_environment
from blackcat.infra.project.project import Project
from blackcat.infra.redaction import redactor
from blackcat.infra.settings.configuration import Settings
from blackcat.resources import with_prefix
from blackcat.testing.draining import Drained, drained
from blackcat.testing.processes import ServiceProcess

# What suits a test, whatever the machine's environment and .env files say.
_SETTINGS = {
    "ENVIRONMENT": "dev",
    "AWS_DRY_RUN": "false",
    "HOST": "127.0.0.1",
    "PORT": "0",
    "HEALTH_HOST": "127.0.0.1",
    "HEALTH_PORT": "0",
    "LOG_FORMAT": "json",
    "API_WORKERS": "1",
    # A stop lets the poll under way come back.
    "CONSUMER_WAIT_SECONDS": "1",
    "PYTHONUNBUFFERED": "1",
}


@dataclass(frozen=True)
class EmulatedAws:
    """The emulator as one test sees it: every resource's name bears the test's own prefix."""

    options: AwsOptions
    prefix: str

    @property
    def url(self) -> str:
        return self.options.endpoint_url or ""


@contextlib.contextmanager
def emulator_url(project: Project) -> Iterator[str]:
    """The address of an emulator: one that runs already, or one that is started now and stopped at the end.

    AWS_ENDPOINT_URL goes before ``[tool.blackcat] emulator``, an address or a command. Raises
    EmulatorError, and ConfigurationError for an address that leads to AWS itself.
    """
    option = str(project.options.get("emulator", ""))
    if url := os.environ.get("AWS_ENDPOINT_URL"):
        yield checked_endpoint("AWS_ENDPOINT_URL", url)
    elif "://" in option:
        yield checked_endpoint("[tool.blackcat] emulator", option)
    else:
        with running_emulator(command=shlex.split(option) or None) as emulator:
            yield emulator.url


@contextlib.contextmanager
def emulated_aws(url: str, registry: ServiceRegistry) -> Iterator[EmulatedAws]:
    """What the registry declares, on the emulator under names of its own; the environment leads there.

    Nothing leads to an account meanwhile: no credentials, profile or address of the machine's. With
    QUEUE_BACKEND=rabbitmq the queues and topics are in that RabbitMQ, and removed from it at the end.
    """
    aws = EmulatedAws(AwsOptions(region=REGION, endpoint_url=url), f"t{uuid4().hex[:8]}_")
    with (
        tempfile.TemporaryDirectory(prefix="blackcat-test-") as scratch,
        pytest.MonkeyPatch.context() as patch,
    ):
        config = Path(scratch, "aws-config")
        config.write_text("[default]\n", encoding="utf-8")
        variables = _environment(aws, str(config))
        for name in [name for name in os.environ if name not in variables]:
            patch.delenv(name)
        for name, value in variables.items():
            patch.setenv(name, value)
        with provisioned([registry], Settings()):
            yield aws


def drain_service(service: Service, *, container: Any, broker: Broker | None, most: int) -> list[Drained]:
    """All messages that a consumer's queue holds, through its middleware and handler, in this thread.

    Without ``broker``, the queue is the one that the environment leads to. Raises ConfigurationError, and
    AssertionError after ``most`` messages.
    """
    if service.type is not ServiceType.CONSUMER or service.queue is None:
        raise InvalidDeclaration(f"only a consumer has a queue to drain; '{service.name}' is none")
    queue = service.queue
    if broker is None:
        settings = Settings()
        broker, queue = connections.broker(settings), with_prefix(queue, settings.resource_prefix)
    with _opened(container) as resolver:
        return drained(
            queue.name,
            broker=broker,
            handle=message_handler(service, resolver, queue=queue.name),
            service=service.name,
            redact=redactor.text,
            most=most,
        )


def _opened(container: Any) -> AbstractContextManager[Resolver | None]:
    """What a registry takes, or a container that is built already: that one is its owner's to close."""
    # A class has the method too, and is called for its container.
    if hasattr(container, "resolve") and not isinstance(container, type):
        return contextlib.nullcontext(container)
    return opened_container(container)


def started_service(project: Project, service: Service, logs: Path, **settings: str) -> ServiceProcess:
    """The service as ``blackcat run`` runs it, in the environment of now; consumers and APIs are healthy."""
    process = ServiceProcess(
        service.name,
        [sys.executable, "-m", "blackcat", "run", service.name],
        cwd=project.root,
        environment={**os.environ, "SERVICE_NAME": service.name, **settings},
        log=logs / f"{service.name}-{uuid4().hex[:6]}.log",
    )
    try:
        if service.type is not ServiceType.WORKER:
            process.wait_until_healthy()
    except BaseException:
        process.kill()
        raise
    return process


def registry_of(project: Project) -> ServiceRegistry:
    """The project's registry; the working directory stays what it was. Raises ProjectError."""
    before = Path.cwd()
    try:
        return project.registry()
    finally:
        os.chdir(before)


def _environment(aws: EmulatedAws, empty_config: str) -> dict[str, str]:
    dotenv = from_dotenv()
    addresses = {name for name in (*dotenv, *os.environ) if name.startswith("AWS_ENDPOINT_URL_")}
    return {
        # A service would export them by itself, for the whole process.
        **{name: value for name, value in dotenv.items() if name.startswith("AWS_")},
        **away_from_accounts(os.environ, dotenv, empty_config=empty_config),
        **_SETTINGS,
        **local_environment(aws.url, REGION),
        "no_proxy": "127.0.0.1,localhost",
        **dict.fromkeys(addresses, aws.url),
        "RESOURCE_PREFIX": aws.prefix,
    }
