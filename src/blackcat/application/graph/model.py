"""A project as a graph: services and resources, and what flows between them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from blackcat.domain.registry import ServiceRegistry
from blackcat.domain.service import Service, ServiceType
from blackcat.resources import (
    Access,
    EventBusResource,
    QueueResource,
    Resource,
    SecretResource,
    TableResource,
    TopicResource,
)


class Kind(Enum):
    """What a node stands for."""

    CONSUMER = "consumer"
    WORKER = "worker"
    REST_API = "REST API"
    QUEUE = "queue"
    DEAD_LETTERS = "dead letters"
    TOPIC = "topic"
    TABLE = "table"
    EVENT_BUS = "event bus"
    SECRET = "secret"  # noqa: S105 - the word, no password


class Flow(Enum):
    """What an edge stands for; the value is how people say it."""

    CONSUME = "consumes"
    SEND = "sends to"
    PUBLISH = "publishes to"
    PUT = "puts events on"
    DELIVER = "delivers to"
    DEAD_LETTER = "leaves what fails to"
    READ = "reads"
    WRITE = "writes"
    READ_WRITE = "reads and writes"
    LOCK = "takes its lock in"


@dataclass(frozen=True)
class Node:
    """A service or resource; ``detail`` is what one should know of it beside its name."""

    id: str
    kind: Kind
    name: str
    detail: str = ""


@dataclass(frozen=True)
class Edge:
    """A flow from a node to another one, by their ids; ``detail`` is a filter, pattern or count."""

    source: str
    target: str
    flow: Flow
    detail: str = ""


@dataclass(frozen=True)
class Graph:
    """The nodes by their ids, in the order of their declaration, and the edges between them."""

    title: str
    nodes: Mapping[str, Node]
    edges: tuple[Edge, ...]


_SERVICES = {
    ServiceType.CONSUMER: Kind.CONSUMER,
    ServiceType.WORKER: Kind.WORKER,
    ServiceType.REST_API: Kind.REST_API,
}
_FLOWS = {
    Access.SEND: Flow.SEND,
    Access.PUBLISH: Flow.PUBLISH,
    Access.PUT: Flow.PUT,
    Access.READ: Flow.READ,
    Access.WRITE: Flow.WRITE,
    Access.READ_WRITE: Flow.READ_WRITE,
    Access.LOCK: Flow.LOCK,
}


def graph_of(registry: ServiceRegistry, title: str) -> Graph:
    """The graph of all services and resources."""
    nodes: dict[str, Node] = {}
    for node in (*map(_service, registry), *map(_resource, registry.resources), *_all_dead_letters(registry)):
        nodes.setdefault(node.id, node)
    edges = dict.fromkeys(edge for service in registry for edge in _edges(service, registry))
    return Graph(title, nodes, (*edges, *_redrives(registry)))


def _edges(service: Service, registry: ServiceRegistry) -> Iterator[Edge]:
    id_ = _service(service).id
    if service.queue_name:
        queue = _resource(registry.queue_of(service)).id
        for subscription in service.subscriptions:
            yield Edge(
                _resource(subscription.topic).id, queue, Flow.DELIVER, _json(subscription.filter_policy)
            )
        for rule in service.rules:
            yield Edge(_resource(rule.bus).id, queue, Flow.DELIVER, _json(rule.pattern))
        yield Edge(queue, id_, Flow.CONSUME)
    for grant in service.grants:
        resource = _resource(grant.resource).id
        if grant.access is Access.CONSUME:
            yield Edge(resource, id_, Flow.CONSUME)
        else:
            yield Edge(id_, resource, _FLOWS[grant.access])


def _redrives(registry: ServiceRegistry) -> Iterator[Edge]:
    for queue in registry.resources:
        if isinstance(queue, QueueResource) and queue.dead_letter:
            target = _resource(queue.dead_letter).id
            yield Edge(
                _resource(queue).id, target, Flow.DEAD_LETTER, f"after {queue.max_receive_count} receives"
            )


def _all_dead_letters(registry: ServiceRegistry) -> Iterator[Node]:
    for queue in registry.resources:
        if isinstance(queue, QueueResource) and queue.dead_letter:
            node = _resource(queue.dead_letter)
            yield Node(node.id, Kind.DEAD_LETTERS, node.name)


def _service(service: Service) -> Node:
    return Node(f"service {service.name}", _SERVICES[service.type], service.name, service.when)


def _resource(resource: Resource) -> Node:
    if isinstance(resource, QueueResource):
        return Node(f"queue {resource.name}", Kind.QUEUE, resource.name, "FIFO" if resource.fifo else "")
    if isinstance(resource, TopicResource):
        return Node(f"topic {resource.name}", Kind.TOPIC, resource.name, "FIFO" if resource.fifo else "")
    if isinstance(resource, EventBusResource):
        return Node(f"event bus {resource.name}", Kind.EVENT_BUS, resource.name)
    if isinstance(resource, SecretResource):
        return Node(f"secret {resource.name}", Kind.SECRET, resource.name)
    return Node(f"table {resource.name}", Kind.TABLE, resource.name, _keys(resource))


def _keys(table: TableResource) -> str:
    return " + ".join(filter(None, (table.key, table.sort_key)))


def _json(filter_: Mapping[str, Any] | None) -> str:
    return json.dumps(filter_, ensure_ascii=False, default=str) if filter_ else ""
