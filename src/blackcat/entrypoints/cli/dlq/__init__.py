"""``blackcat dlq``: dead letters seen, redriven, purged and replayed."""

from __future__ import annotations

import click

from blackcat.entrypoints.cli.dlq.looking import list_letters, peek, show
from blackcat.entrypoints.cli.dlq.purging import purge
from blackcat.entrypoints.cli.dlq.redriving import redrive
from blackcat.entrypoints.cli.dlq.replaying import replay


@click.group()
def command() -> None:
    """See, redrive and purge the messages of dead-letter queues.

    Looking at a message receives it and gives it back at once: queues have no other way.

    \b
    Examples:
      blackcat dlq list
      blackcat dlq peek start_payment --reason "unknown currency"
      blackcat dlq redrive start_payment --reason timeout --yes
    """


for subcommand in (list_letters, peek, show, redrive, purge, replay):
    command.add_command(subcommand)
