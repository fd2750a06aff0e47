"""``blackcat generate-operation``: an operation with its model, command, route and tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from blackcat.application.scaffolding.plan import Change
    from blackcat.domain.naming import Name


@click.command("generate-operation")
@click.argument("text", metavar="NAME")
@click.option("--dry-run", is_flag=True, help="Show the files and what is in them, and write nothing.")
@click.option("--force", is_flag=True, help="Replace files that are there and differ.")
@click.pass_obj
def command(folder: Path, text: str, dry_run: bool, force: bool) -> None:
    """Add the operation NAME to this project in the lambda layout: rules, model, command, route, tests.

    Names may be in kebab, snake or camel case. Nothing that is there is edited: routes and commands are
    found by where they stand. A file that differs is never replaced without --force, and a second run
    changes nothing.

    \b
    Examples:
      blackcat generate-operation refund
      blackcat generate-operation send-letter --dry-run
    """
    from blackcat.application.scaffolding.lambda_layout import operation_name
    from blackcat.application.scaffolding.plan import changes
    from blackcat.infra.project.lambda_templates import operation_files, require_layout
    from blackcat.infra.project.project import find_project
    from blackcat.infra.project.scaffolding import apply, reader

    project = find_project(folder)
    require_layout(project)
    name = operation_name(text)
    planned = changes(operation_files(name, project), reader(project.root), replaces=force)
    if dry_run:
        _show(planned)
    else:
        apply(planned, project.root)
        _tell(name, planned)


def _show(planned: Sequence[Change]) -> None:
    from blackcat.application.scaffolding.plan import tree

    click.echo(tree(planned))
    click.echo("".join(change.diff() for change in planned), nl=False)


def _tell(name: Name, planned: Sequence[Change]) -> None:
    from blackcat.application.scaffolding.plan import Kind, tree

    written = [change for change in planned if change.kind is not Kind.UNCHANGED]
    shown = click.style(name.snake, bold=True)
    if not written:
        click.echo(f"{shown}: nothing to do, all of it is there")
        return
    click.echo(f"{shown}: {len(written)} of {len(planned)} files written\n{tree(written)}")
    rules = f"src/domain/operations/{name.snake}_operations.py"
    click.echo(f"\nNext:\n  put your rule into {rules}\n  make test check")
