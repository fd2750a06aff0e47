"""``dlq replay --local``: a dead letter through the handler on this machine."""

from __future__ import annotations

import click

from blackcat.application.redrive.dead_letter import as_first_received
from blackcat.entrypoints.cli.dlq.looking import one_letter
from blackcat.entrypoints.cli.dlq.options import limits_the_look
from blackcat.entrypoints.cli.logs import log_to_stderr
from blackcat.entrypoints.cli.outcome import exit_status, outcome_json, outcome_text
from blackcat.entrypoints.cli.output import as_json, results_only
from blackcat.entrypoints.cli.place import find_place


@click.command(short_help="Run a dead letter through the local handler.")
@click.argument("service")
@click.argument("message_id")
@click.option("--queue", help="The dead-letter queue that it lies in, where that is not the SERVICE's own.")
@click.option("--local", is_flag=True, help="On this machine, which is the only place; nothing is removed.")
@limits_the_look
@click.option("--json", "with_json", is_flag=True, help="Print the outcome as JSON.")
@click.pass_context
def replay(
    ctx: click.Context,
    /,
    service: str,
    message_id: str,
    queue: str | None,
    local: bool,
    limit: int,
    with_json: bool,
) -> int:
    """Run a dead letter through the handler of a SERVICE on this machine, and leave it where it is.

    MESSAGE_ID is the id that peek shows, or its beginning. The handler gets the message as it was first
    sent. Exits with 0 when it was handled, otherwise with 1.

    \b
    Example:
      blackcat dlq replay --local start_payment 5f1d7a84
    """
    if not local:
        raise click.UsageError("replay runs on this machine: add --local; to send it back use redrive --id")
    place = find_place(ctx.obj)
    found = place.consumer(service)
    _, letter = one_letter(place, None if queue else service, message_id, queue, limit)
    click.echo(f"running {service} here; {place.around()}", err=True)

    from blackcat.entrypoints.invocation import handle_once

    with results_only():
        log_to_stderr(place, found)
        outcome = handle_once(found, place.registry, as_first_received(letter.message))
    click.echo(as_json(outcome_json(outcome)) if with_json else outcome_text(outcome))
    return exit_status(outcome)
