"""What a command would do, without --yes."""

from __future__ import annotations

import click

from blackcat.application.redrive.groups import by_reason
from blackcat.application.redrive.wanted import Wanted
from blackcat.entrypoints.cli.dlq import text
from blackcat.entrypoints.cli.dlq.letters import DeadLetterQueue
from blackcat.entrypoints.cli.dlq.looking import look_at, tell
from blackcat.entrypoints.cli.dlq.options import LOOKED_AT
from blackcat.entrypoints.cli.output import as_json
from blackcat.entrypoints.exit_status import DONE


def show_plan(letters: DeadLetterQueue, which: Wanted, limit: int | None, what: str, with_json: bool) -> int:
    """The messages that it is about, by reason, found by a look at the first thousand."""
    found = look_at(letters, which, LOOKED_AT)
    chosen = found.letters[:limit]
    groups = by_reason(chosen)
    if with_json:
        report = {"queue": letters.name, "dry_run": True, "count": len(chosen), "complete": found.complete}
        click.echo(as_json({**report, "reasons": [text.group_json(group) for group in groups]}))
    elif groups:
        click.echo(text.groups_table(groups, letters.attempts))
    tell(letters, found)
    more = "" if found.complete else " and more that were not looked at"
    click.echo(
        f"{text.messages(len(chosen))}{more} {what}; nothing was changed: add --yes to do it", err=True
    )
    return DONE
