"""Which dead-letter queue a command is about, and where its messages came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from blackcat.entrypoints.cli.place import Place
from blackcat.errors import BlackcatError, ConfigurationError, QueueNotFound
from blackcat.resources import QueueResource

if TYPE_CHECKING:
    from blackcat.application.ports import Queue, QueueDescription


@dataclass(frozen=True, kw_only=True)
class DeadLetterQueue:
    """A dead-letter queue as it is, and the queue that it belongs to, where that is known."""

    place: Place
    name: str
    description: QueueDescription
    source: str | None
    attempts: int | None

    @property
    def queue(self) -> Queue:
        return self.place.broker.queue(self.name)

    @property
    def waiting(self) -> int:
        return self.place.broker.depth(self.name).total

    @property
    def where(self) -> str:
        return f"{self.name} {self.place.described()}"


def find_letters(place: Place, service: str | None, queue: str | None) -> DeadLetterQueue:
    """The dead-letter queue of a consumer, or the queue of that name.

    Raises UsageError, UnknownService, QueueNotFound, or ConfigurationError in a dry run.
    """
    if bool(service) == bool(queue):
        raise click.UsageError("name a consumer, or a dead-letter queue with --queue")
    if place.settings.aws_dry_run:
        raise ConfigurationError(
            "AWS_DRY_RUN holds back what gives messages back, so they would stay hidden: unset it; "
            "redrive and purge change nothing without --yes"
        )
    with place.explaining_missing():
        return _of_service(place, service) if service else _of_queue(place, queue or "")


def warn_of_receives(letters: DeadLetterQueue) -> None:
    """A queue that counts receives may move what is looked at."""
    if letters.description.dead_letter_queue:
        click.echo(
            f"warning: {letters.name} has a dead-letter queue itself: each look counts as a receive, and "
            f"after {letters.description.max_receive_count} of them it moves a message there",
            err=True,
        )


def _of_service(place: Place, name: str) -> DeadLetterQueue:
    source = place.named(place.registry.queue_of(place.consumer(name)).name)
    described = place.broker.describe(source)
    if described.dead_letter_queue is None:
        raise QueueNotFound(
            f"queue '{source}' has no dead-letter queue {place.described()}: it was created without one"
        )
    return DeadLetterQueue(
        place=place,
        name=described.dead_letter_queue,
        description=place.broker.describe(described.dead_letter_queue),
        source=source,
        attempts=described.max_receive_count,
    )


def _of_queue(place: Place, name: str) -> DeadLetterQueue:
    actual = place.named(name)
    description = place.broker.describe(actual)
    declared = _declared_source(place, actual)
    return DeadLetterQueue(
        place=place,
        name=actual,
        description=description,
        source=place.named(declared.name) if declared else None,
        attempts=declared.max_receive_count if declared else None,
    )


def _declared_source(place: Place, name: str) -> QueueResource | None:
    """The declared queue whose dead-letter queue bears that name."""
    try:
        resources = place.registry.resources
    except BlackcatError:  # a queue that is named needs no registry
        return None
    queues = [resource for resource in resources if isinstance(resource, QueueResource)]
    for queue in queues:
        if queue.dead_letter and place.named(queue.dead_letter.name) == name:
            return queue
    return None
