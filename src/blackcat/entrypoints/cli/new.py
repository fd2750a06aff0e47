"""``blackcat new``: a project that runs, with its tests."""

from __future__ import annotations

import os
import pkgutil
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from blackcat.errors import InvalidName, ProjectError

if TYPE_CHECKING:
    from blackcat.application.scaffolding.plan import Change, File
    from blackcat.domain.naming import Name

_SHOWN = 10

_NEXT = {
    "service": """
Next:
  cd {folder}
  pip install -e '.[dev]'
  make test check
  blackcat generate-service start-payment --type consumer
  blackcat dev""",
    "lambda": """
Next:
  cd {folder}
  pip install -e '.[dev]'
  make test check
  blackcat generate-operation send-letter
  make serve""",
}


@click.command("new")
@click.argument("project")
@click.option(
    "--context", metavar="NAME", help="The package of its bounded context, otherwise named as PROJECT."
)
@click.option(
    "--layout",
    type=click.Choice(["service", "lambda"]),
    default="service",
    show_default=True,
    help="Services in containers and on Lambda; or one function on Lambda, PROJECT_FUNCTIONALITY.",
)
@click.option(
    "--empty",
    "operation",
    metavar="OPERATION",
    help="With --layout lambda: this one operation of yours, in the place of the examples.",
)
@click.option("--dry-run", is_flag=True, help="Show what would be written, and write nothing.")
@click.option(
    "--force", is_flag=True, help="Write into a folder that is not empty, and replace what differs."
)
@click.pass_obj
def command(
    folder: Path,
    project: str,
    context: str | None,
    layout: str,
    operation: str | None,
    dry_run: bool,
    force: bool,
) -> None:
    """Start PROJECT in a new folder of that name: a registry, a bounded context in layers, tests.

    The name takes letters, digits, '-' and '_'. Tests, types, style and layers hold from the first
    moment; `blackcat generate-service` then adds the services.

    With --layout lambda it is one function with its endpoints, commands and jobs, named
    <project>_<functionality> in snake_case; `blackcat generate-operation` then adds to it.

    \b
    Examples:
      blackcat new shop
      blackcat new my-shop --context orders --dry-run
      blackcat -C ~/projects new shop
      blackcat new neoapp_banner --layout lambda
      blackcat new generic_send_email --layout lambda --empty send-email
    """
    from blackcat.application.scaffolding.plan import changes, tree
    from blackcat.infra.project.scaffolding import apply, reader

    _refuse_paths(folder, project)
    _refuse_unfitting(layout, context, operation)
    root = folder / project
    if layout == "lambda":
        files = _lambda_files(root, project, operation)
    else:
        files = _files(root, *_names(project, context))
    _refuse_occupied(root, force=force)
    planned = changes(files, reader(root), replaces=force)
    if dry_run:
        click.echo(f"{project}/\n{tree(planned)}")
        click.echo("".join(change.diff() for change in planned if change.before is not None), nl=False)
    else:
        apply(planned, root)
        _tell(folder, project, planned, _NEXT[layout])


def _refuse_paths(folder: Path, project: str) -> None:
    if "/" in project or project in (".", ".."):
        path = Path(os.path.normpath(folder.absolute() / project))
        raise click.UsageError(
            f"'{project}' is a path, and PROJECT is a name: "
            f"blackcat -C {shlex.quote(str(path.parent))} new {shlex.quote(path.name or 'NAME')}"
        )


def _refuse_unfitting(layout: str, context: str | None, operation: str | None) -> None:
    if layout == "lambda" and context is not None:
        raise click.UsageError("a project in the lambda layout has no contexts: leave out --context")
    if layout != "lambda" and operation is not None:
        raise click.UsageError("operations belong to the lambda layout: add --layout lambda")


def _names(project: str, context: str | None) -> tuple[Name, Name]:
    """The project's name, and that of its context."""
    from blackcat.domain.naming import Name

    installed = _installed()
    if context is None:
        name = Name.parse_package(project, what="project", installed=installed)
        return name, name
    name = Name.parse(project, what="project")
    if name.snake in installed:
        raise InvalidName(f"'{project}' cannot be the name of a project: a package of that name is installed")
    return name, Name.parse_package(context, what="context", installed=installed)


def _installed() -> set[str]:
    """The packages of this environment. importlib.metadata knows only some of them on Python 3.10."""
    site = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    return {module.name for module in pkgutil.iter_modules(site)}


def _files(root: Path, project: Name, context: Name) -> list[File]:
    from blackcat.infra.project.scaffolding import rendered_tree

    overrides, templates = _own_templates(root)
    names = {"project": project, "context": context, "blackcat": _requirement()}
    return rendered_tree("project", {**names, "templates": templates}, overrides)


def _lambda_files(root: Path, project: str, operation: str | None) -> list[File]:
    from blackcat.application.scaffolding.lambda_layout import operation_name, project_name
    from blackcat.infra.project.lambda_templates import project_files

    name, only = project_name(project), None if operation is None else operation_name(operation)
    overrides, templates = _own_templates(root)
    return project_files(name, only, requirement=_requirement(), templates=templates, overrides=overrides)


def _own_templates(root: Path) -> tuple[Path | None, str | None]:
    """The folder of the team's own templates, and how the new project names it."""
    from blackcat.infra.project.scaffolding import templates_above

    overrides = templates_above(root.parent)
    return overrides, Path(os.path.relpath(overrides, root)).as_posix() if overrides else None


def _requirement() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return f"blackcat>={version('blackcat')}"
    except PackageNotFoundError:  # run from its source
        return "blackcat"


def _refuse_occupied(root: Path, *, force: bool) -> None:
    """Hidden files do not count: a repository or an environment may well be there first."""
    if root.exists() and not root.is_dir():
        raise ProjectError(f"{root} is a file: choose another name, or move it")
    names = sorted(path.name for path in root.glob("[!.]*"))
    if names and not force:
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        raise ProjectError(
            f"{root} is not empty, it has {', '.join(names[:_SHOWN])}{more}: choose another name, or use "
            "--force, which writes into it and replaces what differs"
        )


def _tell(folder: Path, project: str, planned: Sequence[Change], next_steps: str) -> None:
    from blackcat.application.scaffolding.plan import Kind

    replaced = [str(change.path) for change in planned if change.kind is Kind.CHANGED]
    written = sum(change.kind is not Kind.UNCHANGED for change in planned)
    click.echo(f"{click.style(project, bold=True)}: {written} of {len(planned)} files written")
    if replaced:
        click.echo(f"replaced: {', '.join(replaced)}")
    click.echo(next_steps.format(folder=shlex.quote(os.path.relpath(folder / project))))
