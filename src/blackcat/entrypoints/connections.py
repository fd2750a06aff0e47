"""From a declared resource to the adapter that reaches it."""

from __future__ import annotations

from typing import overload

from blackcat.adapters_aws import AwsOptions, DynamoTable, SnsTopic, SqsBroker
from blackcat.application.ports import Broker, Queue, Table, Topic
from blackcat.infra.configuration import Settings, export_aws_variables
from blackcat.resources import QueueResource, TableResource, TopicResource, with_prefix

# Beside one connection per handler: pollers, the keeper, and calls that the handlers make at once.
_SPARE_CONNECTIONS = 10


@overload
def connect(resource: QueueResource) -> Queue: ...
@overload
def connect(resource: TopicResource) -> Topic: ...
@overload
def connect(resource: TableResource) -> Table: ...
def connect(resource: QueueResource | TopicResource | TableResource) -> Queue | Topic | Table:
    """The adapter of a declared resource, as the environment's settings say; nothing is called yet.

    Connections are shared by the whole process. Raises SettingsError, or ConfigurationError when no
    AWS region is set.
    """
    settings = Settings()
    export_aws_variables()
    options = aws_options(settings)
    if isinstance(resource, QueueResource):
        return SqsBroker(options).queue(with_prefix(resource, settings.resource_prefix).name)
    if isinstance(resource, TopicResource):
        return SnsTopic(with_prefix(resource, settings.resource_prefix).name, options)
    return DynamoTable(with_prefix(resource, settings.resource_prefix), options)


def broker(settings: Settings) -> Broker:
    """Where consumers find their queues."""
    return SqsBroker(aws_options(settings))


def aws_options(settings: Settings) -> AwsOptions:
    busiest = max(settings.consumer_concurrency, settings.api_threads)
    return AwsOptions(
        region=settings.aws_region,
        endpoint_url=settings.aws_endpoint_url,
        dry_run=settings.aws_dry_run,
        pool_size=busiest + _SPARE_CONNECTIONS,
        sqs_transport=settings.sqs_transport,
    )
