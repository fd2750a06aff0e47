"""What goes wrong in a run: drawn from its seed, by operation and by how often it was called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Literal

Kind = Literal[
    "throttled",
    "internal-error",
    "unavailable",
    "expired-token",
    "clock-skew",  # what is signed now is out of date, or not yet valid, by the service's clock
    "request-expired",
    "reset-before",  # the connection is reset before the call had an effect
    "reset-after",
    "silent-before",  # no answer ever comes
    "silent-after",
    "slow",  # the answer comes late
    "partial",  # some entries of a batch fail, as the service's fault
    "partial-sender",  # the same, told as the sender's fault
    "duplicate",  # a message is delivered twice at once
    "early-expiry",  # a receipt ends before its visibility timeout does
]

REFUSALS: Mapping[str, tuple[int, str, str]] = {
    "throttled": (400, "RequestThrottled", "Rate exceeded"),
    "internal-error": (500, "InternalError", "We encountered an internal error. Please try again."),
    "unavailable": (503, "ServiceUnavailable", "Service Unavailable"),
    "expired-token": (403, "ExpiredToken", "The security token included in the request is expired"),
    "clock-skew": (403, "SignatureDoesNotMatch", "Signature expired: it was signed too long ago"),
    "request-expired": (400, "RequestExpired", "Request has expired"),
}
# How far the service's clock is ahead in an answer that says so, in seconds.
SKEW_SECONDS = 1200.0
SKEWED = ("clock-skew", "request-expired")
BATCHES = ("DeleteMessageBatch", "ChangeMessageVisibilityBatch", "SendMessageBatch")
OPENING = ("GetQueueUrl", "GetQueueAttributes")
# A service that is denied access when it opens its queue ends, as it should.
_TRANSIENT = ("throttled", "internal-error", "unavailable", "reset-before", "reset-after", "slow")
_ANYWHERE: tuple[Kind, ...] = (
    "throttled",
    "internal-error",
    "unavailable",
    "expired-token",
    "clock-skew",
    "request-expired",
    "reset-before",
    "reset-after",
    "silent-before",
    "silent-after",
    "slow",
)
_AT_RECEIVE: tuple[Kind, ...] = ("duplicate", "early-expiry")
_IN_BATCHES: tuple[Kind, ...] = ("partial", "partial-sender")


@dataclass(frozen=True)
class Fault:
    """One fault; ``seconds`` is how long an answer is late, or a silence lasts; ``seed`` picks entries."""

    kind: Kind
    seconds: float = 0.0
    seed: int = 0


@dataclass(frozen=True)
class FaultPlan:
    """Which calls go wrong: a share of them (``rate``, 0 to 1), besides those that are ``scripted``.

    ``scripted`` is keyed by operation and by the number of the call, from 1. FIFO queues deliver no
    message twice at once. The same seed gives the n-th call of an operation the same fate.
    """

    seed: int = 0
    rate: float = 0.0
    fifo: bool = False
    scripted: Mapping[tuple[str, int], Fault] = field(default_factory=dict)
    longest_silence: float = 1.5
    longest_delay: float = 0.8

    def draw(self, operation: str, number: int) -> Fault | None:
        """The fate of the n-th call of that operation; None when it goes well."""
        if scripted := self.scripted.get((operation, number)):
            return scripted
        random = Random(f"{self.seed}/{operation}/{number}")
        if random.random() >= self.rate:
            return None
        kind = random.choice(self._kinds(operation))
        longest = self.longest_delay if kind == "slow" else self.longest_silence
        return Fault(kind, seconds=random.uniform(0.1, longest), seed=random.randrange(1 << 30))

    def _kinds(self, operation: str) -> list[Kind]:
        kinds = [kind for kind in _ANYWHERE if operation not in OPENING or kind in _TRANSIENT]
        if operation in BATCHES:
            kinds += _IN_BATCHES
        if operation == "ReceiveMessage":
            kinds += [kind for kind in _AT_RECEIVE if kind != "duplicate" or not self.fifo]
        return kinds
