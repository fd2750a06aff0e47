"""From a declared resource to the adapter that reaches it."""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, overload

from blackcat.adapters_aws import (
    AwsOptions,
    DynamoTable,
    DynamoTransactions,
    EventBridgeBus,
    SecretsManagerStore,
    SnsTopic,
    SqsBroker,
    SsmParameterStore,
    forget_clients,
)
from blackcat.application.clock import SystemClock
from blackcat.application.events import EventLog
from blackcat.application.parameters import CachedParameters
from blackcat.application.ports import Broker, EventBus, Queue, Table, Topic, Transactions
from blackcat.application.secrets import CachedSecrets, Secret
from blackcat.domain.secret import PLAIN_KEYS, SecretValue
from blackcat.domain.service import Service
from blackcat.errors import BusNotFound, ConfigurationError, TransientError
from blackcat.infra.redaction import redactor
from blackcat.infra.settings.configuration import Settings, export_aws_variables
from blackcat.infra.settings.stores import Place, Stores
from blackcat.resources import (
    EventBusResource,
    QueueResource,
    SecretResource,
    TableResource,
    TopicResource,
    with_prefix,
)

if TYPE_CHECKING:
    from blackcat.adapters_rabbitmq import RabbitBroker, RabbitOptions
    from blackcat.application.rollout.rollout import Rollout

# Beside one connection per handler: pollers, the keeper, and calls that the handlers make at once.
_SPARE_CONNECTIONS = 10

# Blackcat's own settings may stand in a secret among others: DEBUG is no word to mask in logs.
_NO_SECRETS = PLAIN_KEYS | set(Settings.model_fields) | {name.upper() for name in Settings.model_fields}

log = EventLog(__name__)


@overload
def connect(resource: QueueResource) -> Queue: ...
@overload
def connect(resource: TopicResource) -> Topic: ...
@overload
def connect(resource: TableResource) -> Table: ...
@overload
def connect(resource: EventBusResource) -> EventBus: ...
@overload
def connect(resource: SecretResource) -> Secret: ...
def connect(
    resource: QueueResource | TopicResource | TableResource | EventBusResource | SecretResource,
) -> Queue | Topic | Table | EventBus | Secret:
    """The adapter of a declared resource, as the environment's settings say; nothing is called yet.

    Only an event bus is asked for at once: EventBridge accepts events for one that does not exist.
    Connections are shared by the whole process. Raises SettingsError, or ConfigurationError when no AWS
    region is set or there is no such bus.
    """
    settings = Settings()
    export_aws_variables()
    options = aws_options(settings)
    if isinstance(resource, QueueResource):
        return broker(settings).queue(with_prefix(resource, settings.resource_prefix).name)
    if isinstance(resource, TopicResource):
        return topic(with_prefix(resource, settings.resource_prefix).name, settings)
    if isinstance(resource, EventBusResource):
        return _found_bus(with_prefix(resource, settings.resource_prefix).name, options)
    if isinstance(resource, SecretResource):
        named = AwsOptions(region=options.region, endpoint_url=options.endpoint_url)
        return _secrets(named, _address()).secret(with_prefix(resource, settings.resource_prefix).name)
    return table(resource, settings)


def table(resource: TableResource, settings: Settings) -> Table:
    """The table that these settings lead to; nothing is called yet."""
    return DynamoTable(with_prefix(resource, settings.resource_prefix), aws_options(settings))


def connect_transactions() -> Transactions:
    """Transactions across the connected tables; nothing is called yet. Raises SettingsError."""
    settings = Settings()
    export_aws_variables()
    return DynamoTransactions(aws_options(settings))


def _found_bus(name: str, options: AwsOptions) -> EventBus:
    bus = EventBridgeBus(name, options)
    try:
        bus.require()
    except BusNotFound as error:
        raise ConfigurationError(
            f"there is no event bus '{name}' in this account and region: create it, or check its name, "
            "RESOURCE_PREFIX and AWS_REGION"
        ) from error
    except TransientError as error:  # asked again before the first event
        log.warning("bus.not_checked", error=error, bus=name)
    return bus


def broker(settings: Settings) -> Broker:
    """Where queues are found, as QUEUE_BACKEND says. Raises ConfigurationError when its extra is missing."""
    rabbit = rabbit_options(settings)
    return _rabbitmq(rabbit) if rabbit else SqsBroker(aws_options(settings))


def topic(name: str, settings: Settings) -> Topic:
    """A topic by its real name, as QUEUE_BACKEND says: topics go where the queues are.

    Raises ConfigurationError when its extra is missing, InvalidDeclaration for what it does not have.
    """
    rabbit = rabbit_options(settings)
    return _rabbitmq(rabbit).topic(name) if rabbit else SnsTopic(name, aws_options(settings))


def rollout(settings: Settings, *, bucket: str | None, tell: Callable[[str], None]) -> Rollout:
    """What rolls Lambda functions out where these settings lead; ``bucket`` takes zips over 50 MB."""
    from blackcat.adapters_aws.functions import LambdaAliases, LambdaFunctions, LambdaLayers
    from blackcat.application.rollout.rollout import Rollout

    options = aws_options(settings)
    return Rollout(
        functions=LambdaFunctions(options, bucket=bucket),
        aliases=LambdaAliases(options),
        layers=LambdaLayers(options, bucket=bucket),
        clock=SystemClock(),
        pause=time.sleep,
        tell=tell,
    )


def rabbit_options(settings: Settings) -> RabbitOptions | None:
    """Where RabbitMQ is; None while queues are on SQS.

    Raises ConfigurationError when its extra is missing.
    """
    if settings.queue_backend == "sqs" or settings.rabbitmq_url is None:
        return None
    try:
        from blackcat.adapters_rabbitmq import RabbitOptions  # an extra
    except ImportError as error:
        raise ConfigurationError(
            "QUEUE_BACKEND=rabbitmq needs an extra: pip install 'blackcat[rabbitmq]'"
        ) from error
    return RabbitOptions(settings.rabbitmq_url.get_secret_value())


def require_deliverable(service: Service, settings: Settings) -> None:
    """Raises InvalidDeclaration when the backend of the queues cannot do what a consumer declares."""
    if rabbit_options(settings) and service.queue_name:
        from blackcat.adapters_rabbitmq import bindings

        bindings(service.queue_name, [*service.subscriptions, *service.rules])


def stores(place: Place) -> Stores:
    """Where settings may be kept; their secrets are those that ``connect`` gives."""
    export_aws_variables()
    options = AwsOptions(region=place.region, endpoint_url=_beside_aws(place.endpoint_url))
    return Stores(_secrets(options, _address()), _parameters(options, _address()))


def aws_options(settings: Settings) -> AwsOptions:
    busiest = max(settings.consumer_concurrency, settings.api_threads)
    return AwsOptions(
        region=settings.aws_region,
        endpoint_url=_beside_aws(settings.aws_endpoint_url),
        dry_run=settings.aws_dry_run,
        pool_size=busiest + _SPARE_CONNECTIONS,
        sqs_transport=settings.sqs_transport,
    )


def _beside_aws(endpoint_url: str | None) -> str | None:
    """The address unless AWS's own configuration has it, where AWS_ENDPOINT_URL_SQS and the like go first."""
    return None if endpoint_url == _address() else endpoint_url


def _address() -> str | None:
    return os.environ.get("AWS_ENDPOINT_URL")


@functools.cache
def _rabbitmq(options: RabbitOptions) -> RabbitBroker:
    from blackcat.adapters_rabbitmq import RabbitBroker

    return RabbitBroker(options)


@functools.cache
def _secrets(options: AwsOptions, address: str | None) -> CachedSecrets:
    return CachedSecrets(SecretsManagerStore(options), clock=SystemClock(), learn=_learn)


@functools.cache
def _parameters(options: AwsOptions, address: str | None) -> CachedParameters:
    return CachedParameters(SsmParameterStore(options), clock=SystemClock())


def _learn(value: SecretValue) -> None:
    for text in value.confidential(plain=_NO_SECRETS):
        redactor.learn(text)


def forget_connections() -> None:
    """Open all of them anew at the next calls: for a snapshot of this process that runs again elsewhere."""
    _forget_stores()
    forget_clients()


def _forget_stores() -> None:
    # A forked child must not wait for a lock that nobody holds there.
    _secrets.cache_clear()
    _parameters.cache_clear()
    _rabbitmq.cache_clear()


os.register_at_fork(after_in_child=_forget_stores)
