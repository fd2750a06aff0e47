"""One invocation, as the function of a service sees it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from blackcat.domain.service import Service
from blackcat.entrypoints.aws_lambda.deadline import Deadline
from blackcat.entrypoints.aws_lambda.events import Event, Kind
from blackcat.errors import UnknownEvent


@dataclass(frozen=True)
class Invocation:
    """An event with where it comes from, Lambda's context, and the time that there is for it."""

    event: Event
    kind: Kind
    context: Any
    deadline: Deadline


def not_for(service: Service, kind: Kind, takes: Iterable[Kind]) -> UnknownEvent:
    """The error for an event of a source that this type of service does not take."""
    names = ", ".join(one.value for one in takes)
    return UnknownEvent(
        f"{service.type.value} '{service.name}' takes events of {names}, not of {kind.value}: connect it to "
        "one of these, or set SERVICE_NAME to another service"
    )
