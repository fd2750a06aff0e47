"""``blackcat generate-service``: a service with its use case, its tests and its place in the registry."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from blackcat.entrypoints.exit_status import FAILED
from blackcat.errors import InvalidDeclaration

if TYPE_CHECKING:
    from blackcat.application.scaffolding.plan import Change
    from blackcat.application.scaffolding.service import ByHand
    from blackcat.domain.naming import Name
    from blackcat.infra.project.service_templates import Wanted


@click.command("generate-service")
@click.argument("text", metavar="SERVICE_NAME")
@click.option(
    "--type",
    "kind",
    required=True,
    metavar="consumer|worker|rest-api",
    help="What kind of service; a folder below templates/service of your own is one more.",
)
@click.option("--context", metavar="NAME", help="Its bounded context; needed where there are several.")
@click.option("--queue", metavar="NAME", help="The queue of a consumer, otherwise NAME_cmd.")
@click.option("--fifo", is_flag=True, help="Its queue is a FIFO queue.")
@click.option(
    "--schedule", metavar="TEXT", help="When a worker runs: 'rate(5 minutes)', 'cron(0 3 * * ? *)'."
)
@click.option("--dry-run", is_flag=True, help="Show the files and the diff, and write nothing.")
@click.option("--force", is_flag=True, help="Replace files that are there and differ.")
@click.pass_obj
def command(
    folder: Path,
    text: str,
    kind: str,
    context: str | None,
    queue: str | None,
    fifo: bool,
    schedule: str | None,
    dry_run: bool,
    force: bool,
) -> None:
    """Add SERVICE_NAME to this project: use case, ports, adapter, entrypoint, test; declared and bound.

    Names may be in kebab, snake or camel case. What you wrote stays as it is: a file that differs is
    never replaced without --force, the registry and the container only gain lines, and a second run
    changes nothing. Where one of those two cannot be edited safely, the lines to add are printed and
    the status is 1.

    \b
    Examples:
      blackcat generate-service start-payment --type consumer
      blackcat generate-service start-payment --type consumer --queue payments --fifo
      blackcat generate-service expire-payments --type worker --schedule "rate(5 minutes)"
      blackcat generate-service payment-api --type rest-api --dry-run
    """
    from blackcat.application.scaffolding.plan import changes
    from blackcat.application.scaffolding.service import service_name
    from blackcat.infra.project.project import find_project
    from blackcat.infra.project.scaffolding import apply, reader
    from blackcat.infra.project.service_templates import Wanted, context_of, generated, kind_of

    project = find_project(folder)
    project.require_services()
    name, kind = service_name(text), kind_of(kind, project)
    queue = _queue_for(name, kind, queue, fifo=fifo)
    _check(name, kind, queue=queue, schedule=schedule)
    wanted = Wanted(name, kind, context_of(context, project), queue, schedule)
    files, edits = generated(wanted, project)
    planned = changes([*files, *edits.files], reader(project.root), replaces=force)
    if dry_run:
        _show(planned)
    else:
        apply(planned, project.root)
        _tell(wanted, planned)
    if edits.by_hand:
        _hand_over(edits.by_hand)
        click.get_current_context().exit(FAILED)


def _queue_for(name: Name, kind: str, queue: str | None, *, fifo: bool) -> str | None:
    """The queue to consume; kinds of the team's own may have one, workers and REST APIs have none."""
    from blackcat.application.scaffolding.service import queue_for

    if kind in ("worker", "rest-api") and (queue or fifo):
        raise click.UsageError(f"a {kind} has no queue: leave out --queue and --fifo")
    return None if kind in ("worker", "rest-api") else queue_for(name, queue, fifo=fifo)


def _check(name: Name, kind: str, *, queue: str | None, schedule: str | None) -> None:
    from blackcat.application.scaffolding.service import check

    if kind in ("consumer", "rest-api") and schedule:
        raise click.UsageError(f"a {kind} has no schedule: leave out --schedule")
    try:
        check(name, kind, queue=queue, schedule=schedule)
    except InvalidDeclaration as error:
        raise click.UsageError(str(error)) from error


def _show(planned: Sequence[Change]) -> None:
    from blackcat.application.scaffolding.plan import tree

    click.echo(tree(planned))
    click.echo("".join(change.diff() for change in planned), nl=False)


def _tell(wanted: Wanted, planned: Sequence[Change]) -> None:
    from blackcat.application.scaffolding.plan import Kind, tree

    name = click.style(wanted.name.snake, bold=True)
    written = [change for change in planned if change.kind is not Kind.UNCHANGED]
    if not written:
        click.echo(f"{name}: nothing to do, all of it is there")
        return
    click.echo(f"{name}: {len(written)} of {len(planned)} files written\n{tree(written)}")
    click.echo(_next(wanted, planned))


def _next(wanted: Wanted, planned: Sequence[Change]) -> str:
    use_cases = [str(change.path) for change in planned if change.path.match("usecases/*_usecase.py")]
    edit = [f"  edit {path}, and follow its comments" for path in use_cases]
    return "\n".join(["", "Next:", *edit, "  make test", f"  blackcat run {wanted.name.snake}"])


def _hand_over(by_hand: Sequence[ByHand]) -> None:
    """The lines that the user has to add; they can be copied from stdout, the reason is on stderr."""
    for left in by_hand:
        click.echo(f"\n{left.where} was left as it is ({left.reason}); add to it:\n", err=True)
        click.echo(left.lines.strip("\n"))
