"""Creates in RabbitMQ what a registry declares."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from pika.exceptions import ChannelClosedByBroker

from blackcat.adapters_rabbitmq.connection import RabbitConnection, RabbitOptions, Session
from blackcat.adapters_rabbitmq.errors import NOT_FOUND
from blackcat.adapters_rabbitmq.fifo import require_standard, require_standard_topic
from blackcat.adapters_rabbitmq.filters import Binding, bindings
from blackcat.adapters_rabbitmq.topics import declare_topic, delete_topic
from blackcat.adapters_rabbitmq.topology import bind, declare, delete, read_declaration
from blackcat.domain.registry import ServiceRegistry
from blackcat.errors import InvalidRequest
from blackcat.resources import BusRule, QueueResource, Subscription, TopicResource, with_prefix

Source = Subscription | BusRule


def provision(registry: ServiceRegistry, options: RabbitOptions, *, prefix: str = "") -> None:
    """Creates the queues and topics that a registry declares, and ties them together; nothing else of it.

    What is there already is kept, and its subscriptions become what is declared. Raises
    InvalidDeclaration, before anything is created, for what RabbitMQ cannot do.
    """
    provisioner = RabbitProvisioner(options, prefix=prefix)
    fed = registry.consumed_queues()
    for queue, sources in fed:
        bindings(queue.name, sources)
    for resource in _provisionable(registry):
        provisioner.create(resource)
    for queue, sources in fed:
        provisioner.subscribe(queue, sources)


def _provisionable(registry: ServiceRegistry) -> Sequence[QueueResource | TopicResource]:
    """What of a registry lies in RabbitMQ. Raises InvalidDeclaration."""
    found = [one for one in registry.resources if isinstance(one, QueueResource | TopicResource)]
    for resource in found:
        check = require_standard if isinstance(resource, QueueResource) else require_standard_topic
        check(resource.name)
    return found


class RabbitProvisioner:
    """Creates single queues and topics; each method may be called again."""

    def __init__(self, options: RabbitOptions, *, prefix: str = "") -> None:
        self._options = options
        self._prefix = prefix

    def create(self, resource: QueueResource | TopicResource) -> None:
        """The queue and its dead-letter queue, or the topic; a queue that exists keeps its messages.

        Raises InvalidDeclaration for a FIFO queue or topic, and InvalidRequest when the queue exists with
        other attributes: RabbitMQ cannot change them.
        """
        named = with_prefix(resource, self._prefix)
        if isinstance(named, TopicResource):
            topic = named.name
            require_standard_topic(topic)
            self._call("Create", topic, lambda session: _declare_topic(session, topic))
            return
        queues = [one for one in (named.dead_letter, named) if one]
        require_standard(named.name)
        self._call("Create", named.name, lambda session: _declare_queues(session, queues))

    def subscribe(self, queue: QueueResource, sources: Sequence[Source]) -> None:
        """Ties topics to an existing queue: these subscriptions and no others hold from now on.

        Raises InvalidDeclaration for rules of event buses, FIFO topics and filter policies that do more
        than list exact texts.
        """
        target = with_prefix(queue, self._prefix).name
        wanted = bindings(target, [self._named(source) for source in sources])
        self._call("Subscribe", target, lambda session: _bind(session, target, wanted))

    def delete(self, resource: QueueResource | TopicResource) -> None:
        """The queue with its dead-letter queue and all their messages, or the topic, where it is there."""
        named = with_prefix(resource, self._prefix)
        if isinstance(named, TopicResource):
            topic = named.name
            self._call("Delete", topic, lambda session: _delete_topic(session, topic))
            return
        queues = [one for one in (named, named.dead_letter) if one]
        self._call("Delete", named.name, lambda session: _delete_queues(session, queues))

    def _named(self, source: Source) -> Source:
        if isinstance(source, BusRule):
            return replace(source, bus=with_prefix(source.bus, self._prefix))
        return replace(source, topic=with_prefix(source.topic, self._prefix))

    def _call(self, operation: str, resource: str, function: Callable[[Session], None]) -> None:
        connection = RabbitConnection(self._options)
        try:
            connection.call(function, operation=operation, resource=resource)
        finally:
            connection.close()


def _declare_queues(session: Session, queues: Sequence[QueueResource]) -> None:
    for queue in queues:
        bound = _bound(session, queue.name)
        with session.asking() as channel:
            declare(channel, queue, bound)


def _bound(session: Session, queue: str) -> Sequence[Binding]:
    """The bindings that Blackcat gave a queue, if it is there."""
    try:
        with session.asking() as channel:
            return read_declaration(channel, queue).bindings
    except InvalidRequest:  # somebody else's, so far
        return ()
    except ChannelClosedByBroker as error:
        if error.reply_code != NOT_FOUND:
            raise
        return ()


def _declare_topic(session: Session, name: str) -> None:
    with session.asking() as channel:
        declare_topic(channel, name)


def _bind(session: Session, queue: str, wanted: Sequence[Binding]) -> None:
    with session.asking() as channel:
        bind(channel, queue, wanted)


def _delete_queues(session: Session, queues: Sequence[QueueResource]) -> None:
    with session.asking() as channel:
        for queue in queues:
            delete(channel, queue.name)


def _delete_topic(session: Session, name: str) -> None:
    with session.asking() as channel:
        delete_topic(channel, name)
