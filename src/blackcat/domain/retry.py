"""When a failed message, or a failed call, is tried again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from random import Random

from blackcat.errors import InvalidDeclaration
from blackcat.resources import MAX_VISIBILITY


@dataclass(frozen=True)
class RetryPolicy:
    """Exponential backoff with full jitter.

    The n-th retry waits a random time between zero and ``base * 2 ** (n - 1)``, capped at
    ``longest`` (up to 12 hours, the longest that SQS hides a message). Raises InvalidDeclaration.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html
    """

    base: timedelta = timedelta(seconds=2)
    longest: timedelta = timedelta(minutes=15)

    def __post_init__(self) -> None:
        if not timedelta(0) < self.base <= self.longest <= MAX_VISIBILITY:
            raise InvalidDeclaration(
                f"RetryPolicy: base must be positive, at most longest, and longest at most {MAX_VISIBILITY}"
            )

    def delay(self, attempts: int, random: Random) -> timedelta:
        """How long to wait after that many failed attempts (1 or more)."""
        doublings = min(attempts - 1, 64)  # beyond that every policy has long reached its cap
        ceiling = min(self.base.total_seconds() * 2**doublings, self.longest.total_seconds())
        return timedelta(seconds=random.uniform(0, ceiling))
