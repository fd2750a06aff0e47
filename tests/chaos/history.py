"""The history of a run: what was sent, received, handled and deleted, and what was done to disturb it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

Kind = Literal[
    "sent",  # a message stands in a queue
    "polled",  # a receive was asked for
    "received",  # a message was given out, and is hidden `until`
    "hidden",  # a visibility was to be changed, to `until`
    "deleted",
    "expired",  # a fault: the receipt ended before its time
    "fault",
    "began",  # a handler, told by itself
    "ended",
    "started",  # a process
    "signalled",
    "exited",
    "left",  # a message that stands in a queue after the run
    "discarded",  # a message that went with its queue, or was purged
    "missed",  # a call that found no queue
    "key",  # an idempotency key was written, with its state as outcome
    "health",  # what a probe was told
]


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened at ``at``: monotonic seconds, the same clock in all processes of a machine.

    ``client`` is the process that it happened to or came from, ``label`` what the sender called the
    message (its dead-letter copy has the same). ``effect`` is False for a call that changed nothing,
    ``answered`` for one whose answer never reached the client; ``fault`` names what was done to it.
    ``outcome`` is ok, raise, retry or reject of a handler, the status or signal of a process, begun or
    done of a key, and what health says. ``key`` is what makes two messages the same; ``crowded`` is a
    message whose size or attributes leave no room for a dead letter's reason.
    """

    at: float
    kind: Kind
    client: str = ""
    connection: int = 0
    operation: str = ""
    queue: str = ""
    message: str = ""
    label: str = ""
    body: str = ""
    group: str | None = None
    receipt: str = ""
    until: float = 0.0
    count: int = 0
    effect: bool = True
    answered: bool = True
    fault: str = ""
    outcome: str = ""
    reason: str = ""
    key: str = ""
    crowded: bool = False


_DEFAULTS = asdict(Event(at=0.0, kind="sent"))


class Recorder:
    """Collects events from many threads, in the order in which they happened."""

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._lock = threading.Lock()

    def record(self, kind: Kind, **fields: object) -> Event:
        with self._lock:
            event = Event(at=time.monotonic(), kind=kind, **fields)  # type: ignore[arg-type]  # of any field
            self._events.append(event)
        return event

    def events(self) -> list[Event]:
        with self._lock:
            return list(self._events)


def as_line(event: Event) -> str:
    """One line of JSON, without what says nothing."""
    fields = asdict(event)
    return json.dumps(
        {
            name: value
            for name, value in fields.items()
            if value != _DEFAULTS[name] or name == "at" or name == "kind"
        }
    )


def write(events: Iterable[Event], path: Path) -> None:
    path.write_text("".join(f"{as_line(event)}\n" for event in events))


def read(path: Path) -> list[Event]:
    """The events of a file; a line that a killed process did not finish is left out."""
    if not path.exists():
        return []
    return [Event(**json.loads(line)) for line in path.read_text().splitlines() if line.endswith("}")]


def merged(*parts: Iterable[Event]) -> list[Event]:
    return sorted((event for part in parts for event in part), key=lambda event: event.at)
