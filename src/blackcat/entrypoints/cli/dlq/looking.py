"""``dlq list``, ``peek`` and ``show``: dead letters seen, and given back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from blackcat.application.clock import SystemClock
from blackcat.application.redrive.dead_letter import DeadLetter
from blackcat.application.redrive.groups import by_reason
from blackcat.application.redrive.looking import Look, look
from blackcat.application.redrive.wanted import Wanted
from blackcat.domain.service import ServiceType
from blackcat.entrypoints.cli.dlq import text
from blackcat.entrypoints.cli.dlq.letters import DeadLetterQueue, find_letters, warn_of_receives
from blackcat.entrypoints.cli.dlq.options import filters, limits_the_look, names_letters, wanted
from blackcat.entrypoints.cli.dlq.stopping import stops_between_batches
from blackcat.entrypoints.cli.output import as_json, table
from blackcat.entrypoints.cli.place import Place, find_place
from blackcat.errors import NotFound, QueueNotFound
from blackcat.resources import FIFO_SUFFIX

if TYPE_CHECKING:
    from blackcat.domain.service import Service

# Enough to tell ages from; a list of all queues should not take long.
_LOOKED_AT_IN_LIST = 100


@click.command("list", short_help="Count dead letters, by consumer or by reason.")
@names_letters
@filters
@limits_the_look
@click.option("--json", "with_json", is_flag=True, help="Print it as JSON.")
@click.pass_context
def list_letters(
    ctx: click.Context, /, service: str | None, queue: str | None, limit: int, with_json: bool, **given: Any
) -> None:
    """Count dead letters: of every consumer, or by reason of one SERVICE.

    \b
    Examples:
      blackcat dlq list
      blackcat dlq list start_payment
      blackcat dlq list start_payment --newer-than 1h --json
    """
    which = wanted(**given)
    place = find_place(ctx.obj)
    if service is None and queue is None:
        _list_all(place, which, with_json)
        return
    letters, found = looked_at(place, service, queue, which, limit)
    groups = by_reason(found.letters)
    if with_json:
        click.echo(as_json(_look_json(letters, found)))
    elif groups:
        click.echo(text.groups_table(groups, letters.attempts))
    tell(letters, found)


@click.command(short_help="List dead letters under their reasons.")
@names_letters
@filters
@limits_the_look
@click.option("--json", "with_json", is_flag=True, help="Print it as JSON.")
@click.pass_context
def peek(
    ctx: click.Context, /, service: str | None, queue: str | None, limit: int, with_json: bool, **given: Any
) -> None:
    """List the dead letters of a SERVICE, a line each under their reasons, without their bodies.

    \b
    Examples:
      blackcat dlq peek start_payment
      blackcat dlq peek start_payment --reason "unknown currency" --older-than 1h
      blackcat dlq peek --queue orders_dlq --limit 20
    """
    which = wanted(**given)
    letters, found = looked_at(find_place(ctx.obj), service, queue, which, limit)
    if with_json:
        click.echo(as_json(_look_json(letters, found)))
    elif found.letters:
        groups = by_reason(found.letters)
        click.echo("\n\n".join(text.group_letters(group, letters.attempts) for group in groups))
    tell(letters, found)


@click.command(short_help="Show one dead letter, with its body.")
@names_letters
@click.argument("message_id", required=False)
@limits_the_look
@click.option("--json", "with_json", is_flag=True, help="Print it as JSON.")
@click.pass_context
def show(
    ctx: click.Context,
    /,
    service: str | None,
    message_id: str | None,
    queue: str | None,
    limit: int,
    with_json: bool,
) -> None:
    """Show one dead letter of a SERVICE whole, its body included, which may hold personal data.

    MESSAGE_ID is the id that peek shows, or its beginning.

    \b
    Examples:
      blackcat dlq show start_payment 5f1d7a84
      blackcat dlq show --queue orders_dlq 5f1d7a84 --json
    """
    letters, letter = one_letter(find_place(ctx.obj), service, message_id, queue, limit)
    click.echo(as_json(text.whole_json(letter)) if with_json else text.whole_text(letter, letters.attempts))


def one_letter(
    place: Place, service: str | None, message_id: str | None, queue: str | None, limit: int
) -> tuple[DeadLetterQueue, DeadLetter]:
    """The one message that is meant; with ``--queue`` it is the only argument. Raises UsageError."""
    if queue and not message_id:
        service, message_id = None, service
    if not message_id:
        raise click.UsageError("name a message by its id, which `blackcat dlq peek` shows, or its beginning")
    letters, found = looked_at(place, service, queue, Wanted(), limit)
    meant = [letter for letter in found.letters if letter.message.id.startswith(message_id)]
    if len(meant) > 1:
        raise click.UsageError(f"{len(meant)} messages begin with '{message_id}': give more of the id")
    if not meant:
        more = "" if found.complete else "; look at more of them with --limit"
        raise NotFound(f"no message '{message_id}' among the {found.seen} seen in {letters.where}{more}")
    return letters, meant[0]


def looked_at(
    place: Place, service: str | None, queue: str | None, which: Wanted, limit: int
) -> tuple[DeadLetterQueue, Look]:
    letters = find_letters(place, service, queue)
    warn_of_receives(letters)
    return letters, look_at(letters, which, limit)


def look_at(letters: DeadLetterQueue, which: Wanted, limit: int) -> Look:
    """Raises Abort after Ctrl-C, when all is given back."""
    with stops_between_batches() as stopping:
        found = look(
            letters.queue,
            wanted=which,
            limit=limit,
            expected=letters.waiting,
            visibility=letters.description.visibility_timeout,
            clock=SystemClock(),
            stopping=stopping,
        )
        if stopping():
            raise click.Abort
    return found


def tell(letters: DeadLetterQueue, found: Look) -> None:
    """On stderr: where it was, and what was not seen."""
    waiting = letters.waiting
    of_all = f"{len(found.letters)} of " if len(found.letters) != found.seen else ""
    click.echo(f"{of_all}{text.messages(found.seen)} in {letters.where}", err=True)
    if not found.complete and waiting > found.seen:
        click.echo(f"about {waiting - found.seen} more were not looked at: raise --limit", err=True)
    elif waiting > found.seen:
        # Held by others; or in FIFO queues, which give no more of a group while some of it are held.
        why = (
            "of each group, FIFO shows the first ten"
            if letters.name.endswith(FIFO_SUFFIX)
            else "others hold them"
        )
        click.echo(f"about {waiting - found.seen} more could not be seen: {why}", err=True)


def _look_json(letters: DeadLetterQueue, found: Look) -> dict[str, Any]:
    return {
        "queue": letters.name,
        "source": letters.source,
        "messages": letters.waiting,
        "seen": found.seen,
        "complete": found.complete,
        "reasons": [text.group_json(group) for group in by_reason(found.letters)],
    }


def _list_all(place: Place, which: Wanted, with_json: bool) -> None:
    consumers = [service for service in place.registry if service.type is ServiceType.CONSUMER]
    rows = [_summary(place, service, which) for service in consumers]
    if with_json:
        click.echo(as_json(rows))
    elif rows:
        headers = ["service", "dead-letter queue", "messages", "oldest", "most frequent reason"]
        click.echo(table(headers, [_row(row) for row in rows]))
    click.echo(f"consumers: {len(rows)}, {place.described()}", err=True)


def _summary(place: Place, service: Service, which: Wanted) -> dict[str, Any]:
    try:
        letters = find_letters(place, service.name, None)
    except QueueNotFound as error:
        return {"service": service.name, "problem": str(error)}
    waiting = letters.waiting
    found = look_at(letters, which, _LOOKED_AT_IN_LIST) if waiting else Look([], 0, True)
    groups = by_reason(found.letters)
    oldest = min((group.oldest for group in groups if group.oldest), default=None)
    return {
        "service": service.name,
        "queue": letters.name,
        "messages": waiting if which.everything else len(found.letters),
        "seen": found.seen,
        "complete": found.complete,
        "oldest": oldest,
        "reason": text.group_name(groups[0]) if groups else None,
    }


def _row(summary: dict[str, Any]) -> list[str]:
    if "problem" in summary:
        return [summary["service"], click.style(summary["problem"], fg="red"), "", "", ""]
    more = "" if summary["complete"] else "+"
    oldest = f"{text.age(summary['oldest'])}{more}" if summary["oldest"] else "-"
    count = str(summary["messages"])
    return [summary["service"], summary["queue"], count, oldest, summary["reason"] or "-"]
