"""An event as it is put on a bus: what callers give, checked before anything leaves the process."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, NoReturn

from blackcat.domain.outgoing import FORBIDDEN_CHARACTER
from blackcat.domain.payload import encode
from blackcat.errors import InvalidMessage

# "Less than 1MB", of one entry and of all in a call. Read as the smaller of the two megabytes: the event
# comes out larger than its entry, and must fit into an SQS message of 1 MiB.
# https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
MAX_EVENT_BYTES = 1_000_000
MAX_INTEGER = 2**63 - 1
# https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsRequestEntry.html
MAX_DETAIL_TYPE_LENGTH = 128

_TIME_BYTES = 14
_RESERVED_SOURCE = "aws."


@dataclass(frozen=True, slots=True)
class OutgoingEvent:
    """An event to put on a bus; one that EventBridge would refuse cannot be built.

    ``source`` names who tells it, such as ``shop.payments``; ``detail_type`` what happened, in up to
    128 characters; ``detail`` is a JSON object as text. ``resources`` lists ARNs of what it is about.
    ``time`` is kept to the second; without it EventBridge takes the time of the call. All together
    take less than 1 MB. Raises InvalidMessage.

    https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsRequestEntry.html
    """

    source: str
    detail_type: str
    detail: str
    resources: tuple[str, ...] = ()
    time: datetime | None = None

    @classmethod
    def of(
        cls,
        detail: Any,
        *,
        source: str,
        detail_type: str,
        resources: Sequence[str] = (),
        time: datetime | None = None,
    ) -> OutgoingEvent:
        """The event that tells of a payload: a dataclass, model or mapping. Raises EncodingError too."""
        return cls(source, detail_type, encode(detail), _listed(resources), time)

    def __post_init__(self) -> None:
        self._check_texts()
        _check_detail(self.detail)
        _check_time(self.time)
        if self.size >= MAX_EVENT_BYTES:
            raise InvalidMessage(
                f"an event of {self.size} bytes is over EventBridge's limit of {MAX_EVENT_BYTES}: "
                "store the content elsewhere and put a reference to it"
            )

    @property
    def size(self) -> int:
        """Bytes as EventBridge counts them.

        https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html
        """
        texts = (self.source, self.detail_type, self.detail, *self.resources)
        return sum(len(text.encode()) for text in texts) + (_TIME_BYTES if self.time else 0)

    def _check_texts(self) -> None:
        for name in ("source", "detail_type", "detail"):
            if not isinstance(value := getattr(self, name), str):
                raise InvalidMessage(f"{name} must be text, not {type(value).__name__}")
        if not all(isinstance(resource, str) for resource in _listed(self.resources)):
            raise InvalidMessage("resources must be ARNs, as texts")
        if not self.source or self.source.startswith(_RESERVED_SOURCE):
            raise InvalidMessage(
                f"the source {self.source!r} is not allowed: name who tells the event, such as "
                "'shop.payments'; only AWS's own begin with 'aws.'"
            )
        if not 1 <= len(self.detail_type) <= MAX_DETAIL_TYPE_LENGTH:
            raise InvalidMessage(f"detail_type must have 1 to {MAX_DETAIL_TYPE_LENGTH} characters")
        for text in (self.source, self.detail_type, self.detail, *self.resources):
            forbidden = FORBIDDEN_CHARACTER.search(text)
            if forbidden:
                raise InvalidMessage(f"an event cannot hold the character U+{ord(forbidden[0]):04X}")


def _listed(resources: Any) -> tuple[str, ...]:
    # A text is a sequence too: each of its letters would become a resource.
    if isinstance(resources, str) or not isinstance(resources, Iterable):
        raise InvalidMessage(f"resources must be a list of ARNs, not {type(resources).__name__}")
    return tuple(resources)


def _check_time(time: Any) -> None:
    if time is None:
        return
    if not isinstance(time, datetime):
        raise InvalidMessage(f"time must be a datetime with time zone, not {type(time).__name__}")
    if time.utcoffset() is None:
        raise InvalidMessage(
            f"the time {time} has no time zone: use datetime.now(timezone.utc), or leave it out"
        )
    try:
        time.astimezone(timezone.utc)
    except OverflowError as error:
        raise InvalidMessage(f"the time {time} has no equivalent in UTC: leave it out") from error


def _check_detail(detail: str) -> None:
    try:
        content = json.loads(detail, parse_int=_integer, parse_float=_float, parse_constant=_constant)
    except RecursionError as error:
        raise InvalidMessage("detail is nested deeper than EventBridge's 1000 levels") from error
    except ValueError as error:
        raise InvalidMessage(f"detail must be a JSON object, and is no JSON: {error}") from error
    if not isinstance(content, dict):
        raise InvalidMessage(
            f"detail must be a JSON object, not a {type(content).__name__}: put it under a name, "
            'such as {"id": ...}'
        )


def _integer(text: str) -> int:
    number = int(text)
    if not -MAX_INTEGER - 1 <= number <= MAX_INTEGER:
        raise InvalidMessage("detail holds an integer of more than 64 bits: write it as text")
    return number


def _float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise InvalidMessage("detail holds a number beyond what a float can hold: write it as text")
    return number


def _constant(name: str) -> NoReturn:
    raise InvalidMessage(f"detail holds {name}, which is no JSON: leave it out, or make it text")
