"""What a move or purge has done, whatever ended it."""

from __future__ import annotations

import click

from blackcat.application.redrive.move_tasks import MoveTask
from blackcat.application.redrive.removal import Tally
from blackcat.entrypoints.cli.dlq.letters import DeadLetterQueue
from blackcat.entrypoints.cli.output import as_json, printable
from blackcat.entrypoints.exit_status import DONE, FAILED
from blackcat.errors import RemoteError

INTERRUPTED = 130  # 128 + SIGINT, as shells report it
_TOLD = 20


def summarise(letters: DeadLetterQueue, tally: Tally, what: str, with_json: bool) -> int:
    """Print the tally; the exit status."""
    left = _left(letters)
    if with_json:
        click.echo(
            as_json(
                {
                    "queue": letters.name,
                    "done": tally.done,
                    "left": left,
                    "failed": [{"id": one.message_id, "reason": one.reason} for one in tally.failures],
                    "twice": [{"id": one.message_id, "reason": one.reason} for one in tally.undeleted],
                    "interrupted": tally.interrupted,
                }
            )
        )
    else:
        click.echo(f"{tally.done} {what}")
    if left:
        click.echo(f"about {left} are in {letters.where}", err=True)
    for one in tally.failures[:_TOLD]:
        click.echo(f"{one.message_id} was left: {printable(one.reason)}", err=True)
    if len(tally.failures) > _TOLD:
        click.echo(f"... and {len(tally.failures) - _TOLD} more were left; --json lists them all", err=True)
    for one in tally.undeleted:
        click.echo(f"{one.message_id} could not be deleted: {printable(one.reason)}", err=True)
    if tally.undeleted:
        click.echo("stopped there: run again once that is mended, and expect these twice", err=True)
    if tally.interrupted:
        return INTERRUPTED
    return FAILED if tally.failures or tally.undeleted else DONE


def summarise_task(letters: DeadLetterQueue, target: str, task: MoveTask, with_json: bool) -> int:
    """Print what became of SQS's own move; the exit status."""
    if with_json:
        report = {"queue": letters.name, "done": task.moved, "status": task.status, "failure": task.failure}
        click.echo(as_json(report))
    else:
        click.echo(f"{task.moved} redriven to {target} by SQS: {task.status.lower()}")
    if task.failure:
        click.echo(f"SQS says: {printable(task.failure)}", err=True)
    if task.status == "CANCELLED":
        return INTERRUPTED
    return DONE if task.status == "COMPLETED" else FAILED


def _left(letters: DeadLetterQueue) -> int | None:
    """How many are still there; None when that cannot be asked any more."""
    try:
        return letters.waiting
    except RemoteError:
        return None
