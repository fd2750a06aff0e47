"""FIFO, which RabbitMQ does not have: refused wherever a queue or topic is named."""

from __future__ import annotations

from blackcat.errors import InvalidDeclaration
from blackcat.resources import FIFO_SUFFIX


def require_standard(name: str) -> None:
    """Raises InvalidDeclaration for a FIFO queue."""
    if name.endswith(FIFO_SUFFIX):
        raise InvalidDeclaration(
            f"queue '{name}': RabbitMQ has neither message groups nor deduplication: "
            "keep FIFO queues on SQS, or declare a standard queue and make its handler idempotent"
        )


def require_standard_topic(name: str) -> None:
    """Raises InvalidDeclaration for a FIFO topic."""
    if name.endswith(FIFO_SUFFIX):
        raise InvalidDeclaration(
            f"topic '{name}': RabbitMQ has neither message groups nor deduplication: "
            "declare a standard topic, or keep topics and queues on AWS: unset QUEUE_BACKEND"
        )
