"""``blackcat send``: messages to a queue."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import click

from blackcat.entrypoints.cli.parameters import duration
from blackcat.entrypoints.cli.place import find_place
from blackcat.entrypoints.cli.sending import asked, asks_for_messages, check_fifo, deliver, lines_of


@click.command()
@click.argument("queue")
@asks_for_messages
@click.option(
    "--delay", type=duration, metavar="DURATION", help="Deliver it later: up to 15m; not for FIFO queues."
)
@click.pass_context
def command(ctx: click.Context, /, queue: str, delay: timedelta | None, **given: Any) -> int:
    """Send a message to a QUEUE, named as it is declared.

    BODY is JSON: the text itself, - for standard input, or @FILE. The ids of the messages are printed.
    It goes to the running `blackcat dev` of the project, or where the environment and .env say.

    \b
    Examples:
      blackcat send start_payment_cmd '{"payment_id": "…", "amount": "49.90"}'
      blackcat send start_payment_cmd @command.json --attribute source=cli --delay 30s
      blackcat send orders.fifo '{"id": 1}' --group customer-7 --deduplication-id order-1
      jq -c '.[]' orders.json | blackcat send orders - --lines --failed unsent.jsonl
    """
    found = asked(delay=delay, **given)
    text = lines_of(found)
    place = find_place(ctx.obj)
    name = place.named(queue)
    check_fifo(name, found, "queue")

    from blackcat.domain.outgoing import for_queue

    with place.explaining_missing():
        return deliver(
            found,
            text=text,
            check=lambda message: for_queue(message, name),
            send=place.broker.queue(name).send_batch,
            destination=f"{name} {place.described()}",
            dry=place.settings.aws_dry_run,
        )
