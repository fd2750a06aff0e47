"""On how many drawn cases each property is tried, and what docs/en/contracts.md says of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Property:
    """``cases`` are drawn for each of ``kinds`` kinds of values."""

    subject: str
    holds: str
    cases: int
    kinds: int = 1

    @property
    def told_cases(self) -> str:
        if self.kinds == 1:
            return f"{self.cases:,}"
        return f"{self.cases * self.kinds:,} ({self.kinds} times {self.cases:,})"


_CONVERTER = "DynamoDB converter"
_ENVELOPE = "envelope parser"
_REPOSITORY = "repositories"

VALUES_COME_BACK = Property(
    _CONVERTER,
    "a value, in containers or not, comes back as its type (of 14), or is refused",
    cases=200,
    kinds=14,
)
VALUES_KEPT = Property(_CONVERTER, "what was stored, of 14 types, is what is decoded", cases=200, kinds=14)
DIGITS_KEPT = Property(_CONVERTER, "38 digits are kept, whatever the exponent", cases=1_000)
TIMES_SORT = Property(_CONVERTER, "times sort as text as they do as times", cases=1_000)
ENTITIES_COME_BACK = Property(
    _REPOSITORY,
    "a dataclass and a pydantic model, of 29 kinds of fields, come back over the wire",
    cases=300,
    kinds=2,
)
NOTIFICATIONS_UNWRAPPED = Property(
    _ENVELOPE, "what SNS wraps comes out as it was published, with its attributes", cases=1_000
)
EVENTS_UNWRAPPED = Property(
    _ENVELOPE, "the detail of an EventBridge event comes out as it was put", cases=1_000
)
ALMOST_ENVELOPES_KEPT = Property(
    _ENVELOPE, "an envelope that lacks a field, or has one of another type, is left as it is", cases=1_000
)
TEXT_KEPT = Property(_ENVELOPE, "text is left as it is", cases=1_000)
JSON_KEPT = Property(
    _ENVELOPE, "no JSON, with an envelope's own names too, raises, or loses the body received", cases=1_000
)

PROPERTIES = (
    VALUES_COME_BACK,
    VALUES_KEPT,
    DIGITS_KEPT,
    TIMES_SORT,
    ENTITIES_COME_BACK,
    NOTIFICATIONS_UNWRAPPED,
    EVENTS_UNWRAPPED,
    ALMOST_ENVELOPES_KEPT,
    TEXT_KEPT,
    JSON_KEPT,
)
