"""Creates what a project declares where its settings lead: for development and tests, never in an account."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from blackcat.adapters_aws import Provisioner
from blackcat.adapters_aws import provision as provision_aws
from blackcat.application.dev.account import check_broker
from blackcat.domain.registry import ServiceRegistry
from blackcat.entrypoints.connections import aws_options, rabbit_options
from blackcat.infra.settings.configuration import Settings
from blackcat.resources import QueueResource, TopicResource

if TYPE_CHECKING:
    from blackcat.adapters_rabbitmq import RabbitOptions


def provision(registry: ServiceRegistry, settings: Settings) -> None:
    """All that a registry declares: on an emulator of AWS, but queues and topics where QUEUE_BACKEND says.

    What is there already is brought up to date. Raises ConfigurationError when an address leads to a real
    AWS account, and InvalidDeclaration for what the backend of the queues cannot do.
    """
    rabbit = _rabbit(settings)
    if rabbit is None:
        provision_aws(registry, aws_options(settings), prefix=settings.resource_prefix)
        return
    from blackcat.adapters_rabbitmq import provision as provision_rabbitmq

    provision_rabbitmq(registry, rabbit, prefix=settings.resource_prefix)
    provisioner = Provisioner(aws_options(settings), prefix=settings.resource_prefix)
    for resource in registry.resources:
        if not isinstance(resource, QueueResource | TopicResource):
            provisioner.create(resource)


@contextmanager
def provisioned(registries: Iterable[ServiceRegistry], settings: Settings) -> Iterator[None]:
    """The same for a while: RabbitMQ, which outlives an emulator, is left without these queues and topics."""
    registries = list(registries)
    rabbit = _rabbit(settings)
    try:
        for registry in registries:
            provision(registry, settings)
        yield
    finally:
        if rabbit:
            _remove(registries, rabbit, settings.resource_prefix)


def _rabbit(settings: Settings) -> RabbitOptions | None:
    rabbit = rabbit_options(settings)
    if rabbit:
        check_broker(rabbit.url)
    return rabbit


def _remove(registries: Iterable[ServiceRegistry], rabbit: RabbitOptions, prefix: str) -> None:
    from blackcat.adapters_rabbitmq import RabbitProvisioner

    provisioner = RabbitProvisioner(rabbit, prefix=prefix)
    for registry in registries:
        for resource in registry.resources:
            if isinstance(resource, QueueResource | TopicResource):
                provisioner.delete(resource)
