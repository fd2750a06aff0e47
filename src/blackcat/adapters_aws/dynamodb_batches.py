"""Batch calls of DynamoDB, which may leave part of what they were given to be sent again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from random import Random

from blackcat.adapters_aws.calls import Response
from blackcat.domain.retry import RetryPolicy
from blackcat.errors import Throttled

# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
MAX_KEYS = 100
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
MAX_WRITES = 25

ATTEMPTS = 8
BACKOFF = RetryPolicy(base=timedelta(milliseconds=50), longest=timedelta(seconds=2))

_random = Random()

Call = Callable[[Sequence[Response]], Sequence[Response]]
"""Sends requests, and gives back those that were not processed."""


def send_in_batches(
    requests: Sequence[Response], call: Call, *, size: int, resource: str, sleep: Callable[[float], None]
) -> None:
    """Sends all requests, ``size`` in a call, and those left over again, after a backoff.

    Raises Throttled when eight calls in a row process nothing.
    """
    for batch in _batches(requests, size):
        left, attempts = batch, 0
        while left:
            before = len(left)
            left = call(left)
            attempts = attempts + 1 if len(left) == before else 0
            if attempts == ATTEMPTS:
                raise Throttled(
                    f"{len(left)} of {len(requests)} items were left over {ATTEMPTS} times: send them later",
                    resource=resource,
                )
            if left:
                sleep(BACKOFF.delay(attempts + 1, _random).total_seconds())


def _batches(requests: Sequence[Response], size: int) -> Iterator[Sequence[Response]]:
    return (requests[start : start + size] for start in range(0, len(requests), size))
