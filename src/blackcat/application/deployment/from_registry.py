"""What a registry has to deploy: its services and resources, each with the ids that templates need."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from blackcat.application.deployment.model import (
    DEFAULT_ARCHITECTURE,
    DEFAULT_PYTHON,
    DEFAULT_SHUTDOWN_SECONDS,
    DeployedBus,
    DeployedQueue,
    DeployedRule,
    DeployedSecret,
    DeployedService,
    DeployedTable,
    DeployedTopic,
    Deployment,
)
from blackcat.application.deployment.names import labels, logical_ids, qualified
from blackcat.domain.registry import ServiceRegistry
from blackcat.resources import (
    DEFAULT_BUS,
    Access,
    BusRule,
    EventBusResource,
    QueueResource,
    SecretResource,
    Subscription,
    TableResource,
    TopicResource,
)


def deployment_of(
    registry: ServiceRegistry,
    *,
    name: str,
    python: str = DEFAULT_PYTHON,
    architecture: str = DEFAULT_ARCHITECTURE,
    shutdown_seconds: int = DEFAULT_SHUTDOWN_SECONDS,
) -> Deployment:
    """What a registry has to deploy; ``name`` is the project's."""
    queues = {queue.name: queue for queue in _queues(registry)}
    label = labels([name])[name]
    service_labels = labels(service.name for service in registry)
    ids = logical_ids(service.name for service in registry)
    return Deployment(
        name=label,
        logical=logical_ids([label])[label],
        python=python,
        architecture=architecture,
        services=tuple(
            DeployedService(
                service,
                service_labels[service.name],
                qualified(label, service_labels[service.name]),
                ids[service.name],
                queues.get(service.queue_name or ""),
                shutdown_seconds,
            )
            for service in registry
        ),
        queues=tuple(queues.values()),
        topics=tuple(_topics(registry)),
        buses=tuple(_buses(registry)),
        tables=tuple(_tables(registry)),
        secrets=tuple(_secrets(registry)),
    )


def secret_ids(registry: ServiceRegistry) -> dict[str, str]:
    """The logical id of each secret, by its name."""
    names = (resource.name for resource in registry.resources if isinstance(resource, SecretResource))
    return logical_ids(names, "Secret")


def _queues(registry: ServiceRegistry) -> Iterator[DeployedQueue]:
    """Every declared queue, with its dead letters, which need no declaration."""
    declared = [resource for resource in registry.resources if isinstance(resource, QueueResource)]
    letters = {queue.dead_letter.name: queue.dead_letter for queue in declared if queue.dead_letter}
    ids = logical_ids([*(queue.name for queue in declared), *letters], "Queue")
    consumed = {queue.name: sources for queue, sources in registry.consumed_queues()}
    for queue in declared:
        sources = consumed.get(queue.name, ())
        yield DeployedQueue(
            queue,
            ids[queue.name],
            _dead_letters(queue, ids),
            # Several consumers of a queue may subscribe it to one topic: AWS keeps the last word.
            tuple({s.topic.name: s for s in sources if isinstance(s, Subscription)}.values()),
            tuple(_rules(queue, ids[queue.name], [r for r in sources if isinstance(r, BusRule)])),
            foreign=queue.name not in consumed and not _granted(registry, queue, Access.CONSUME),
        )


def _rules(queue: QueueResource, id_: str, declared: Iterable[BusRule]) -> Iterator[DeployedRule]:
    rules = {f"{rule.bus.name} {rule.name}".strip(): rule for rule in declared}
    ids = logical_ids(rules, "Rule")
    for key, rule in rules.items():
        yield DeployedRule(rule, rule.name_for(queue.name), f"{id_}From{ids[key]}")


def _dead_letters(queue: QueueResource, ids: dict[str, str]) -> DeployedQueue | None:
    letters = queue.dead_letter
    return DeployedQueue(letters, ids[letters.name]) if letters else None


def _topics(registry: ServiceRegistry) -> Iterator[DeployedTopic]:
    topics = [resource for resource in registry.resources if isinstance(resource, TopicResource)]
    ids = logical_ids((topic.name for topic in topics), "Topic")
    for topic in topics:
        yield DeployedTopic(topic, ids[topic.name], not _granted(registry, topic, Access.PUBLISH))


def _buses(registry: ServiceRegistry) -> Iterator[DeployedBus]:
    buses = [resource for resource in registry.resources if isinstance(resource, EventBusResource)]
    ids = logical_ids((bus.name for bus in buses), "Bus")
    for bus in buses:
        foreign = bus.name == DEFAULT_BUS or not _granted(registry, bus, Access.PUT)
        yield DeployedBus(bus, ids[bus.name], foreign)


def _tables(registry: ServiceRegistry) -> Iterator[DeployedTable]:
    tables = [resource for resource in registry.resources if isinstance(resource, TableResource)]
    ids = logical_ids((table.name for table in tables), "Table")
    return (DeployedTable(table, ids[table.name]) for table in tables)


def _secrets(registry: ServiceRegistry) -> Iterator[DeployedSecret]:
    secrets = [resource for resource in registry.resources if isinstance(resource, SecretResource)]
    ids = secret_ids(registry)
    return (DeployedSecret(secret, ids[secret.name]) for secret in secrets)


def _granted(
    registry: ServiceRegistry, resource: QueueResource | TopicResource | EventBusResource, access: Access
) -> bool:
    return any(
        grant.resource == resource and grant.access is access
        for service in registry
        for grant in service.grants
    )
