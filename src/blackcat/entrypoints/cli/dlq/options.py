"""The options that the commands of ``dlq`` share."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import click

from blackcat.application.redrive.wanted import Wanted
from blackcat.entrypoints.cli.parameters import duration

LOOKED_AT = 1000

_SERVICE = (
    click.argument("service", required=False),
    click.option("--queue", help="Any other dead-letter queue, by its name."),
)
_FILTERS = (
    click.option("--id", "ids", multiple=True, help="The message of that id. Repeat for more."),
    click.option("--reason", default="", help="Messages with this text in their reason, in any case."),
    click.option("--body", default="", help="Messages with this text in their body."),
    click.option("--older-than", type=duration, metavar="AGE", help="Sent longer ago: 90s, 15m, 1h, 2d."),
    click.option("--newer-than", type=duration, metavar="AGE", help="Sent within that time."),
)
_LOOK = (
    click.option(
        "--limit",
        type=click.IntRange(1),
        default=LOOKED_AT,
        show_default=True,
        help="Look at so many messages at most.",
    ),
)


def names_letters(command: Callable[..., Any]) -> Callable[..., Any]:
    """The consumer, or ``--queue``."""
    return _with(_SERVICE, command)


def filters(command: Callable[..., Any]) -> Callable[..., Any]:
    """What ``wanted`` takes."""
    return _with(_FILTERS, command)


def limits_the_look(command: Callable[..., Any]) -> Callable[..., Any]:
    return _with(_LOOK, command)


def wanted(
    *,
    ids: tuple[str, ...],
    reason: str,
    body: str,
    older_than: timedelta | None,
    newer_than: timedelta | None,
) -> Wanted:
    """The filter that the options describe."""
    now = datetime.now(timezone.utc)
    try:
        return Wanted(
            ids=frozenset(ids),
            reason=reason,
            body=body,
            sent_before=now - older_than if older_than is not None else None,
            sent_after=now - newer_than if newer_than is not None else None,
        )
    except OverflowError:
        raise click.UsageError("no message is that old: SQS keeps messages for 14 days") from None


def _with(parameters: tuple[Any, ...], command: Callable[..., Any]) -> Callable[..., Any]:
    for parameter in reversed(parameters):
        command = parameter(command)
    return command
