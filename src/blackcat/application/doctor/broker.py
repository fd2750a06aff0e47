"""Checks of queues that are not in AWS, through the broker that holds them."""

from __future__ import annotations

from blackcat.application.doctor import rules
from blackcat.application.doctor.examination import Results
from blackcat.application.ports import Broker, QueueDescription
from blackcat.domain.findings import Unchecked
from blackcat.domain.registry import ServiceRegistry
from blackcat.errors import InvalidDeclaration, QueueNotFound, RemoteError
from blackcat.resources import QueueResource, TopicResource, with_prefix


def queues_in_broker(registry: ServiceRegistry, broker: Broker, *, prefix: str = "") -> Results:
    """Each declared queue and its dead-letter queue; topics cannot be asked for."""
    for resource in registry.resources:
        if isinstance(resource, QueueResource):
            yield from _queue(with_prefix(resource, prefix), broker)
        elif isinstance(resource, TopicResource):
            yield Unchecked(
                f"topic '{resource.name}'",
                "RabbitMQ does not tell who is subscribed: provision it again, which changes nothing that "
                "is as declared, or look with `rabbitmqctl list_bindings`",
            )


def _queue(queue: QueueResource, broker: Broker) -> Results:
    subject = f"queue '{queue.name}'"
    try:
        differences = _differences(queue, broker.describe(queue.name))
        if queue.dead_letter:
            broker.describe(queue.dead_letter.name)
    except QueueNotFound as error:
        missing = f"'{error.resource}' is not in RabbitMQ"
        yield rules.QUEUE_MISSING.found(
            subject, missing, mend="create it: RabbitProvisioner(options).create(resource)"
        )
    except InvalidDeclaration as error:
        yield Unchecked(subject, str(error))
    except RemoteError as error:
        yield rules.AWS_DOES_NOT_ANSWER.found(
            subject, str(error), mend="check RABBITMQ_URL, that the broker runs, and who created the queue"
        )
    else:
        for difference in differences:
            yield rules.QUEUE_DIFFERS.found(
                subject, difference, mend="delete the queue and create it again: RabbitMQ cannot change it"
            )


def _differences(declared: QueueResource, actual: QueueDescription) -> list[str]:
    pairs = {
        "visibility_timeout": (actual.visibility_timeout, declared.visibility_timeout),
        "max_receive_count": (actual.max_receive_count, declared.max_receive_count),
    }
    return [
        f"its {name} is {found} in RabbitMQ, declared is {wanted}"
        for name, (found, wanted) in pairs.items()
        if found != wanted
    ]
