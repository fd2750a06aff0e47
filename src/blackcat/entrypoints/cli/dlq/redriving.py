"""``dlq redrive``: dead letters back to the queue that they came from."""

from __future__ import annotations

import time
from typing import Any

import click

from blackcat.application.redrive.move_tasks import MoveTask, MoveTasks, follow
from blackcat.application.redrive.redriving import SendBack
from blackcat.application.redrive.wanted import Wanted
from blackcat.entrypoints.cli.dlq.letters import DeadLetterQueue, find_letters, warn_of_receives
from blackcat.entrypoints.cli.dlq.options import filters, names_letters, wanted
from blackcat.entrypoints.cli.dlq.plan import show_plan
from blackcat.entrypoints.cli.dlq.progress import progress_bar
from blackcat.entrypoints.cli.dlq.removing import remove
from blackcat.entrypoints.cli.dlq.stopping import stops_between_batches
from blackcat.entrypoints.cli.dlq.summary import summarise, summarise_task
from blackcat.entrypoints.cli.parameters import rate as rate_type
from blackcat.entrypoints.cli.place import find_place
from blackcat.errors import PermanentError

_RATE = "10/s"


@click.command(short_help="Send dead letters back to their queue.")
@names_letters
@filters
@click.option("--to", "target", help="The queue that they go to (otherwise where they came from).")
@click.option(
    "--rate", type=rate_type, default=_RATE, show_default=True, metavar="RATE", help="As 10/s or 90/m."
)
@click.option("--limit", type=click.IntRange(1), help="Redrive so many at most.")
@click.option(
    "--mover",
    type=click.Choice(["auto", "sqs", "blackcat"]),
    default="auto",
    show_default=True,
    help="Who moves them: SQS itself (a whole queue only), or this command (send, then delete).",
)
@click.option("--yes", is_flag=True, help="Do it.")
@click.option("--dry-run", is_flag=True, help="Only show what would be redriven: so it is without --yes.")
@click.option("--json", "with_json", is_flag=True, help="Print the result as JSON.")
@click.pass_context
def redrive(
    ctx: click.Context,
    /,
    service: str | None,
    queue: str | None,
    target: str | None,
    rate: float,
    limit: int | None,
    mover: str,
    yes: bool,
    dry_run: bool,
    with_json: bool,
    **given: Any,
) -> int:
    """Send dead letters of a SERVICE back to its queue, as they were first sent.

    Each is met once: one that fails again at once is left for the next run. Interrupted anywhere,
    nothing is lost; at worst a message is there twice. Without --yes it only shows what would be done.

    \b
    Examples:
      blackcat dlq redrive start_payment
      blackcat dlq redrive start_payment --reason timeout --older-than 1h --yes
      blackcat dlq redrive start_payment --rate 60/m --yes
      blackcat dlq redrive --queue orders_dlq --to orders --limit 1 --yes
    """
    which = wanted(**given)
    place = find_place(ctx.obj)
    letters = find_letters(place, service, queue)
    source = _target(letters, target)
    if mover == "sqs" and place.rabbitmq:
        raise click.UsageError(
            "the queues are in RabbitMQ, which moves no messages itself: leave --mover out"
        )
    if mover == "sqs" and not (which.everything and limit is None and rate >= 1):
        raise click.UsageError("SQS moves whole queues only, from 1/s: leave filters and --limit out")
    warn_of_receives(letters)
    with place.explaining_missing():
        place.broker.describe(source)
    if dry_run or not yes:
        return show_plan(letters, which, limit, f"would go back to {source}", with_json)
    if place.rabbitmq:
        mover = "blackcat"
    if mover == "sqs" or (mover == "auto" and which.everything and limit is None and rate >= 1):
        done = _by_sqs(letters, source, int(rate), with_json, required=mover == "sqs")
        if done is not None:
            return done
    return _by_copies(letters, source, which, rate, limit, with_json)


def _target(letters: DeadLetterQueue, to: str | None) -> str:
    target = letters.place.named(to) if to else letters.source
    if target is None:
        raise click.UsageError(
            f"the project declares no queue whose dead-letter queue is '{letters.name}': "
            "say with --to where its messages go"
        )
    if target == letters.name:
        raise click.UsageError(f"--to names '{letters.name}' itself: name the queue that they came from")
    return target


def _by_sqs(
    letters: DeadLetterQueue, target: str, rate: int, with_json: bool, *, required: bool
) -> int | None:
    """The exit status; None where SQS does not do it (an emulator, a missing permission)."""
    from blackcat.adapters_aws.redrive import SqsMoveTasks

    tasks = SqsMoveTasks(letters.place.options)
    try:
        handle = tasks.start(letters.name, target, per_second=rate)
    except PermanentError:
        if required:
            raise
        return None
    click.echo(f"SQS itself moves the messages to {target}", err=True)
    return summarise_task(letters, target, _followed(tasks, letters, handle), with_json)


def _followed(tasks: MoveTasks, letters: DeadLetterQueue, handle: str) -> MoveTask:
    with stops_between_batches() as stopping, progress_bar("redriving", letters.waiting) as progress:
        return follow(tasks, letters.name, handle, stopping=stopping, pause=time.sleep, progress=progress)


def _by_copies(
    letters: DeadLetterQueue, target: str, which: Wanted, rate: float, limit: int | None, with_json: bool
) -> int:
    queue = letters.place.broker.queue(target)
    return remove(
        letters,
        lambda sweep: SendBack(queue, sweep),
        label="redriving",
        which=which,
        limit=limit,
        rate=rate,
        summarise=lambda tally: summarise(letters, tally, f"redriven to {target}", with_json),
    )
