"""Many messages, each confirmed by itself: RabbitMQ has no batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from blackcat.adapters_rabbitmq.errors import CONNECTION_ERRORS, translated
from blackcat.application.ports import BatchFailure, BatchResult

T = TypeVar("T")


def published_in_turn(
    messages: Sequence[T], publish: Callable[[T], str], *, operation: str, resource: str
) -> BatchResult:
    """The id of each; once the connection fails, all that is left has failed.

    Raises what the first one raises.
    """
    succeeded: dict[int, str] = {}
    for index, message in enumerate(messages):
        try:
            succeeded[index] = publish(message)
        except CONNECTION_ERRORS as error:
            if not succeeded:
                raise
            told = translated(error, operation, resource)
            code = told.code or type(told).__name__
            left = range(index, len(messages))
            return BatchResult(
                succeeded, tuple(BatchFailure(one, code, told.detail, told.transient) for one in left)
            )
    return BatchResult(succeeded)
