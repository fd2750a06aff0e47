"""Checks of the declaration: who sends what to whom, and whether that can work."""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from collections.abc import Iterable

from blackcat.application.doctor import rules
from blackcat.application.doctor.examination import Results
from blackcat.domain.registry import ServiceRegistry
from blackcat.domain.service import Service
from blackcat.resources import Access, BusRule, QueueResource, Subscription, TopicResource

_SAYS_FIFO = re.compile(r"[-_]fifo$", re.IGNORECASE)


def messaging(registry: ServiceRegistry) -> Results:
    """Names, subscriptions, and queues that are shared or lead nowhere."""
    if not len(registry):
        yield rules.NO_SERVICES.found("registry", "it declares no service")
    yield from _names(registry)
    yield from _subscriptions(registry)
    yield from _shared_queues(registry)
    yield from _loose_ends(registry)


def consumers(registry: ServiceRegistry) -> dict[QueueResource, list[Service]]:
    """Every consumed queue with its consumers."""
    found: dict[QueueResource, list[Service]] = defaultdict(list)
    for service in registry:
        if service.queue_name:
            found[registry.queue_of(service)].append(service)
    return found


def subscriptions(registry: ServiceRegistry) -> Iterable[tuple[QueueResource, Subscription]]:
    """Every subscription with the queue that it feeds."""
    for service in registry:
        for subscription in service.subscriptions:
            yield registry.queue_of(service), subscription


def bus_rules(registry: ServiceRegistry) -> Iterable[tuple[QueueResource, BusRule]]:
    """Every rule of an event bus with the queue that it feeds."""
    for service in registry:
        for rule in service.rules:
            yield registry.queue_of(service), rule


def named(services: Iterable[Service]) -> str:
    return ", ".join(f"'{service.name}'" for service in services)


def _names(registry: ServiceRegistry) -> Results:
    dead_letters = {
        resource.dead_letter.name: resource.name
        for resource in registry.resources
        if isinstance(resource, QueueResource) and resource.dead_letter
    }
    for resource in registry.resources:
        if not isinstance(resource, QueueResource | TopicResource):
            continue
        if _SAYS_FIFO.search(resource.name):
            subject = "queue" if isinstance(resource, QueueResource) else "topic"
            yield rules.LOOKS_LIKE_FIFO.found(
                f"{subject} '{resource.name}'", "its name does not end with '.fifo'"
            )
        if isinstance(resource, QueueResource) and resource.name in dead_letters:
            yield rules.DEAD_LETTER_QUEUE_DECLARED.found(
                f"queue '{resource.name}'",
                f"it is also where '{dead_letters[resource.name]}' leaves what it could not handle",
            )


def _subscriptions(registry: ServiceRegistry) -> Results:
    known: dict[tuple[str, str], Subscription] = {}
    for queue, subscription in subscriptions(registry):
        topic = subscription.topic
        subject = f"queue '{queue.name}'"
        if known.setdefault((queue.name, topic.name), subscription) != subscription:
            yield rules.SUBSCRIPTIONS_DIFFER.found(
                subject, f"its subscriptions to topic '{topic.name}' differ in filter policy or raw delivery"
            )
        if queue.fifo and not topic.fifo:
            yield rules.STANDARD_TOPIC_TO_FIFO_QUEUE.found(subject, f"topic '{topic.name}' is not FIFO")
        if topic.fifo and not queue.fifo:
            yield rules.FIFO_TOPIC_TO_STANDARD_QUEUE.found(subject, f"topic '{topic.name}' is FIFO")


def _shared_queues(registry: ServiceRegistry) -> Results:
    for queue, services in consumers(registry).items():
        if len(services) > 1:
            yield rules.QUEUE_SHARED.found(f"queue '{queue.name}'", f"it is consumed by {named(services)}")


def _loose_ends(registry: ServiceRegistry) -> Results:
    sent_to = _granted(registry, Access.SEND)
    consumed = {queue.name for queue in consumers(registry)} | set(_granted(registry, Access.CONSUME))
    fed = {queue.name for queue, _ in (*subscriptions(registry), *bus_rules(registry))}
    dead_letters = {queue.dead_letter.name for queue in consumers(registry) if queue.dead_letter}
    for queue, services in consumers(registry).items():
        if queue.name not in fed | dead_letters | set(sent_to):
            yield rules.QUEUE_WITHOUT_SENDER.found(
                f"queue '{queue.name}'",
                f"{named(services)} consumes it{_meant(queue.name, set(sent_to) - consumed)}",
            )
    for name, services in sent_to.items():
        if name not in consumed:
            yield rules.QUEUE_WITHOUT_CONSUMER.found(
                f"queue '{name}'", f"{named(services)} may send to it{_meant(name, consumed - set(sent_to))}"
            )


def _granted(registry: ServiceRegistry, access: Access) -> dict[str, list[Service]]:
    found: dict[str, list[Service]] = defaultdict(list)
    for service in registry:
        for grant in service.grants:
            if grant.access is access:
                found[grant.resource.name].append(service)
    return found


def _meant(name: str, others: set[str]) -> str:
    nearest = difflib.get_close_matches(name, sorted(others), n=1, cutoff=0.75)
    return f"; is '{nearest[0]}' the same queue?" if nearest else ""
