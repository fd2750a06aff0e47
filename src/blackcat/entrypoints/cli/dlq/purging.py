"""``dlq purge``: dead letters deleted."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import click

from blackcat.application.redrive.record import line
from blackcat.application.redrive.removal import Secure, Secured
from blackcat.application.redrive.wanted import Wanted
from blackcat.domain.message import Message
from blackcat.entrypoints.cli.dlq.letters import DeadLetterQueue, find_letters, warn_of_receives
from blackcat.entrypoints.cli.dlq.options import filters, names_letters, wanted
from blackcat.entrypoints.cli.dlq.plan import show_plan
from blackcat.entrypoints.cli.dlq.removing import remove
from blackcat.entrypoints.cli.dlq.summary import summarise
from blackcat.entrypoints.cli.output import as_json
from blackcat.entrypoints.cli.place import find_place
from blackcat.entrypoints.exit_status import DONE


@click.command(short_help="Delete dead letters for good.")
@names_letters
@filters
@click.option("--limit", type=click.IntRange(1), help="Purge so many at most.")
@click.option(
    "--save",
    type=click.Path(path_type=Path, dir_okay=False, writable=True, resolve_path=True),
    help="First append each message to this file, as a line of JSON.",
)
@click.option("--yes", is_flag=True, help="Do it.")
@click.option("--dry-run", is_flag=True, help="Only show what would be purged: so it is without --yes.")
@click.option("--json", "with_json", is_flag=True, help="Print the result as JSON.")
@click.pass_context
def purge(
    ctx: click.Context,
    /,
    service: str | None,
    queue: str | None,
    limit: int | None,
    save: Path | None,
    yes: bool,
    dry_run: bool,
    with_json: bool,
    **given: Any,
) -> int:
    """Delete dead letters of a SERVICE for good. Without --yes it only shows what would be deleted.

    With a filter, --limit or --save (and always in RabbitMQ) the messages are deleted one by one;
    otherwise SQS purges the whole queue, what arrives within the next minute included.

    \b
    Examples:
      blackcat dlq purge start_payment --older-than 7d
      blackcat dlq purge start_payment --reason "unknown currency" --save purged.jsonl --yes
      blackcat dlq purge --queue orders_dlq --yes
    """
    which = wanted(**given)
    letters = find_letters(find_place(ctx.obj), service, queue)
    warn_of_receives(letters)
    if dry_run or not yes:
        return show_plan(letters, which, limit, "would be deleted for good", with_json)
    if which.everything and limit is None and save is None and not letters.place.rabbitmq:
        return _whole(letters, with_json)
    with ExitStack() as stack:
        file = stack.enter_context(_opened(save)) if save else None
        return _one_by_one(letters, which, limit, file, with_json)


def _opened(save: Path) -> IO[str]:
    try:
        return save.open("a", encoding="utf-8")
    except OSError as error:
        raise click.UsageError(f"{save} cannot be written: {error.strerror}; nothing was purged") from error


def _whole(letters: DeadLetterQueue, with_json: bool) -> int:
    from blackcat.adapters_aws.redrive import purge as purge_queue

    count = letters.waiting
    purge_queue(letters.name, letters.place.options)
    if with_json:
        click.echo(as_json({"queue": letters.name, "done": count}))
    else:
        click.echo(f"about {count} purged")
    click.echo(f"SQS empties {letters.where} within a minute", err=True)
    return DONE


def _one_by_one(
    letters: DeadLetterQueue, which: Wanted, limit: int | None, file: IO[str] | None, with_json: bool
) -> int:
    secure = _saving(file) if file else Secured
    return remove(
        letters,
        lambda _: secure,
        label="purging",
        which=which,
        limit=limit,
        rate=None,
        summarise=lambda tally: summarise(letters, tally, "purged", with_json),
    )


def _saving(file: IO[str]) -> Secure:
    def save(messages: Sequence[Message]) -> Secured:
        file.writelines(f"{line(message)}\n" for message in messages)
        file.flush()
        os.fsync(file.fileno())
        return Secured(messages)

    return save
