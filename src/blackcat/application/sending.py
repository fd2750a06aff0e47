"""Lines sent as messages: each is accounted for, sent or not."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from blackcat.application.ports import BatchFailure, BatchResult
from blackcat.domain.outgoing import OutgoingMessage
from blackcat.errors import BlackcatError, InvalidMessage, InvalidRequest, RemoteError, TransientError

_AT_ONCE = 10
# What is refused for the moment is sent again after these pauses, in seconds.
_PAUSES = (0.2, 1.0, 3.0)


@dataclass(frozen=True)
class Line:
    """A text to send, and where it stood."""

    number: int
    text: str


@dataclass(frozen=True)
class Sent:
    line: Line
    message_id: str


@dataclass(frozen=True)
class Unsent:
    line: Line
    error: BlackcatError


Send = Callable[[Sequence[OutgoingMessage]], BatchResult]
Build = Callable[[Line], OutgoingMessage]


def send_lines(
    lines: Iterable[Line], *, build: Build, send: Send, pause: Callable[[float], None]
) -> Iterator[Sent | Unsent]:
    """Send the lines ten at a time, telling of each line what became of it.

    ``build`` raises InvalidMessage for a line that no message can be made of. Once a whole call has
    failed, the lines after it are not tried any more.
    """
    remaining = iter(lines)
    while chunk := list(itertools.islice(remaining, _AT_ONCE)):
        try:
            yield from _send_chunk(chunk, build, send, pause)
        except RemoteError as error:
            for line in itertools.chain(chunk, remaining):
                yield Unsent(line, error)


def _send_chunk(
    chunk: Sequence[Line], build: Build, send: Send, pause: Callable[[float], None]
) -> list[Sent | Unsent]:
    """Raises RemoteError when nothing of the chunk was sent."""
    built, told = _built(chunk, build)
    sent_before = False
    for wait in (*_PAUSES, None):
        if not built:
            break
        try:
            result = send([message for _, message in built])
        except RemoteError as error:
            if not sent_before:
                raise
            return told + [Unsent(line, error) for line, _ in built]
        sent_before = True
        told += [Sent(built[index][0], message_id) for index, message_id in result.succeeded.items()]
        again = [failure for failure in result.failed if failure.transient and wait is not None]
        told += [Unsent(built[one.index][0], _error(one)) for one in result.failed if one not in again]
        built = [built[failure.index] for failure in again]
        if built and wait is not None:
            pause(wait)
    return sorted(told, key=lambda one: one.line.number)


def _built(
    chunk: Sequence[Line], build: Build
) -> tuple[list[tuple[Line, OutgoingMessage]], list[Sent | Unsent]]:
    built: list[tuple[Line, OutgoingMessage]] = []
    refused: list[Sent | Unsent] = []
    for line in chunk:
        try:
            built.append((line, build(line)))
        except InvalidMessage as error:
            refused.append(Unsent(line, error))
    return built, refused


def _error(failure: BatchFailure) -> RemoteError:
    kind = TransientError if failure.transient else InvalidRequest
    return kind(failure.reason or failure.code, code=failure.code)
