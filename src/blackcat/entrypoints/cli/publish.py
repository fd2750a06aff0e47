"""``blackcat publish``: messages to a topic."""

from __future__ import annotations

from typing import Any

import click

from blackcat.entrypoints.cli.place import find_place
from blackcat.entrypoints.cli.sending import asked, asks_for_messages, check_fifo, deliver, lines_of


@click.command()
@click.argument("topic")
@asks_for_messages
@click.pass_context
def command(ctx: click.Context, /, topic: str, **given: Any) -> int:
    """Publish a message to a TOPIC, named as it is declared: every subscribed queue receives it.

    BODY is JSON: the text itself, - for standard input, or @FILE. The ids of the messages are printed.
    It goes to the running `blackcat dev` of the project, or where the environment and .env say.

    \b
    Examples:
      blackcat publish payment_processed '{"payment_id": "…", "approved": true}'
      blackcat publish payment_processed @event.json --attribute kind=refund
      blackcat publish payment_processed @events.jsonl --lines
    """
    found = asked(**given)
    text = lines_of(found)
    place = find_place(ctx.obj)
    name = place.named(topic)
    check_fifo(name, found, "topic")

    from blackcat.domain.outgoing import for_topic
    from blackcat.entrypoints.connections import topic as connected

    with place.explaining_missing():
        return deliver(
            found,
            text=text,
            check=lambda message: for_topic(message, name),
            send=connected(name, place.settings).publish_batch,
            destination=f"{name} {place.described('sns')}",
            dry=place.settings.aws_dry_run,
        )
