"""``blackcat deploy-lambda``: a version of a Lambda function, tried, and the alias that follows it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from blackcat.application.packaging.declaration import ALIASES
from blackcat.errors import ConfigurationError

if TYPE_CHECKING:
    from blackcat.application.packaging.declaration import DeclaredFunction
    from blackcat.application.rollout.release import Release
    from blackcat.application.rollout.rollout import Deployed, Rollout
    from blackcat.infra.settings.configuration import Settings


@click.command("deploy-lambda")
@click.option("--alias", required=True, type=click.Choice(ALIASES), help="The branch's own alias.")
@click.option("--function", metavar="NAME", help="The function, otherwise as pyproject.toml has it.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("dist"),
    show_default=True,
    help="What `blackcat package` built, seen from the project's folder.",
)
@click.option("--rollback", is_flag=True, help="Point the alias back at the version before.")
@click.option("--dry-run", is_flag=True, help="Tell the steps, and take none.")
@click.pass_obj
def command(
    folder: Path, alias: str, function: str | None, output: Path, rollback: bool, dry_run: bool
) -> None:
    """Roll out what `blackcat package` built: layers, code, configuration, version, trial, alias.

    The alias moves last, and only to a version that passed its smoke invocation. Whatever ends a run,
    the next one goes on where that stopped. What was deployed is written to deployments/ALIAS.json. A
    function that does not exist yet is created when [tool.blackcat.lambda] names its role.

    \b
    Examples:
      blackcat deploy-lambda --alias hom --dry-run
      blackcat deploy-lambda --alias prod
      blackcat deploy-lambda --alias prod --rollback
    """
    from blackcat.application.packaging.declaration import checked
    from blackcat.entrypoints.connections import rollout
    from blackcat.infra.packaging.pyproject import declared_function
    from blackcat.infra.project.project import find_project

    project = find_project(folder)
    project.enter()
    declared = declared_function(project.root, alias)
    if function:
        declared = checked(replace(declared, function=function))
    settings = _settings(writes=not dry_run)
    _tell(f"{declared.function} {_where(settings)}")
    roll = rollout(settings, bucket=declared.bucket, tell=lambda step: _tell(f"  {step}"))
    if rollback:
        _roll_back(roll, declared, alias, project.root, dry_run=dry_run)
    else:
        _roll_out(roll, _release(project.root, output, declared), alias, project.root, dry_run=dry_run)


def _roll_out(roll: Rollout, release: Release, alias: str, root: Path, *, dry_run: bool) -> None:
    if dry_run:
        steps = roll.plan(release, alias)
        click.echo("\n".join(map(str, steps)) or "nothing to do")
    else:
        _record(roll.run(release, alias), release.function, release, root)


def _roll_back(roll: Rollout, declared: DeclaredFunction, alias: str, root: Path, *, dry_run: bool) -> None:
    if dry_run:
        raise click.UsageError("--rollback moves the alias and nothing else: leave out --dry-run")
    _record(roll.roll_back(declared.function, alias), declared.function, None, root)


def _release(root: Path, output: Path, declared: DeclaredFunction) -> Release:
    from blackcat.infra.packaging.release import built_release, handler_of

    return built_release(root, root / output, replace(declared, handler=declared.handler or handler_of(root)))


def _settings(*, writes: bool) -> Settings:
    from blackcat.infra.settings.configuration import Settings, export_aws_variables

    settings = Settings()
    export_aws_variables()
    if settings.aws_dry_run and writes:
        raise ConfigurationError(
            "AWS_DRY_RUN is set, and a rollout is all writes: unset it, or use --dry-run"
        )
    return settings


def _where(settings: Settings) -> str:
    from blackcat.adapters_aws.destination import destination
    from blackcat.entrypoints.connections import aws_options

    return destination("lambda", aws_options(settings))


def _record(deployed: Deployed, function: str, release: Release | None, root: Path) -> None:
    from blackcat.application.clock import SystemClock
    from blackcat.infra.packaging.records import commit_of, is_changed, record_of, write_record

    record = record_of(
        function,
        deployed,
        release=release,
        commit=commit_of(root),
        changed=is_changed(root),
        when=SystemClock().now(),
    )
    path = write_record(root, record).relative_to(root)
    alias = deployed.alias
    before = f", before: {alias.previous}" if alias.previous else ""
    name = click.style(alias.name, bold=True)
    click.echo(f"{name} of {function} is at version {alias.version}{before}; recorded in {path}")


def _tell(text: str) -> None:
    click.echo(click.style(text, dim=True), err=True)
