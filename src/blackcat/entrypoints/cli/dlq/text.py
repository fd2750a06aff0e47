"""Dead letters in text and JSON."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

import click

from blackcat.application.redrive.dead_letter import DeadLetter
from blackcat.application.redrive.groups import Group
from blackcat.application.redrive.record import record
from blackcat.entrypoints.cli.output import printable, table

_UNITS = (("d", 86_400), ("h", 3600), ("m", 60), ("s", 1))


def age(sent_at: datetime | None) -> str:
    """The time since then in its two largest units: ``3d 4h``."""
    if sent_at is None:
        return "?"
    left = max(timedelta(0), datetime.now(timezone.utc) - sent_at) // timedelta(seconds=1)
    parts: list[str] = []
    for unit, seconds in _UNITS:
        count, left = divmod(left, seconds)
        if count or parts:
            parts.append(f"{count}{unit}")
    return " ".join(parts[:2]) or "0s"


def messages(count: int) -> str:
    return "1 message" if count == 1 else f"{count} messages"


def groups_table(groups: Sequence[Group], attempts: int | None) -> str:
    rows = [
        [
            str(len(group.letters)),
            age(group.oldest),
            age(group.newest),
            _attempts(group.attempts, attempts),
            group_name(group),
        ]
        for group in groups
    ]
    return table(["messages", "oldest", "newest", "attempts", "reason"], rows)


def group_letters(group: Group, attempts: int | None) -> str:
    """A group's messages, one per line under its reason."""
    rows = [
        [
            letter.message.id,
            age(letter.message.sent_at),
            _attempts([letter.attempts] if letter.attempts is not None else [], attempts),
            " ".join(part for part in (letter.service, letter.version) if part) or "-",
        ]
        for letter in group.letters
    ]
    count = f"{len(group.letters)} x " if len(group.letters) > 1 else ""
    head = click.style(f"{count}{group_name(group)}", bold=True)
    return f"{head}\n{table(['message', 'sent', 'attempts', 'by'], rows)}"


def group_name(group: Group) -> str:
    exception = f" ({printable(group.exception)})" if group.exception else ""
    return f"{printable(group.reason)}{exception}"


def group_json(group: Group) -> dict[str, Any]:
    return {
        "reason": group.reason,
        "exception": group.exception,
        "count": len(group.letters),
        "oldest": group.oldest and group.oldest.isoformat(),
        "newest": group.newest and group.newest.isoformat(),
        "messages": [letter_json(letter) for letter in group.letters],
    }


def letter_json(letter: DeadLetter) -> dict[str, Any]:
    """Without its body, which may hold personal data."""
    sent_at = letter.message.sent_at
    return {
        "id": letter.message.id,
        "sent_at": sent_at and sent_at.isoformat(),
        "reason": letter.reason,
        "exception": letter.exception,
        "attempts": letter.attempts,
        "service": letter.service,
        "version": letter.version,
        "group_id": letter.message.group_id,
    }


def whole_json(letter: DeadLetter) -> dict[str, Any]:
    return {**letter_json(letter), **record(letter.message)}


def whole_text(letter: DeadLetter, attempts: int | None) -> str:
    """All of a message: what it tells of itself, its attributes, its body."""
    message = letter.message
    known = {
        "id": message.id,
        "sent": f"{message.sent_at.isoformat(timespec='seconds')} ({age(message.sent_at)} ago)"
        if message.sent_at
        else None,
        "reason": letter.reason,
        "exception": letter.exception,
        "attempts": _attempts([letter.attempts] if letter.attempts is not None else [], attempts),
        "service": " ".join(part for part in (letter.service, letter.version) if part),
        "group": message.group_id,
    }
    lines = [
        f"{click.style(f'{name:10}', bold=True)}{printable(text)}" for name, text in known.items() if text
    ]
    attributes = record(message).get("attributes", {})
    own = {name: attributes[name] for name in letter.own_attributes}
    head = click.style("attribute ", bold=True)
    lines += [head + printable(f"{name} ({one['type']}) = {one['value']}") for name, one in own.items()]
    return "\n".join([*lines, "", pretty(message.original_body)])


def pretty(body: str) -> str:
    """JSON indented, anything else as it is; control characters are escaped."""
    with contextlib.suppress(ValueError, RecursionError):
        body = json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    return "\n".join(map(printable, body.split("\n")))


def _attempts(told: Sequence[int], of_queue: int | None) -> str:
    """What the messages tell; otherwise what the queue allows before SQS moves a message."""
    if told:
        return str(told[0]) if len(told) == 1 else f"{told[0]}-{told[-1]}"
    return str(of_queue) if of_queue is not None else "?"
