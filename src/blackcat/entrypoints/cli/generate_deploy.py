"""``blackcat generate-deploy``: the files that deploy a project, in step with its registry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import click

from blackcat.entrypoints.cli.output import results_only
from blackcat.entrypoints.exit_status import FAILED

if TYPE_CHECKING:
    from blackcat.application.deployment.keeping import Decision
    from blackcat.application.iam.policy import Reference
    from blackcat.application.scaffolding.plan import File
    from blackcat.domain.registry import ServiceRegistry
    from blackcat.infra.project.deploy_manifest import Manifest
    from blackcat.infra.project.project import Project

_ALL = "all"


@click.command("generate-deploy")
@click.option(
    "--target",
    "targets",
    multiple=True,
    metavar="NAME",
    help="docker, compose, ecs, kubernetes, lambda, github-actions, gitlab-ci, or all; may be given several "
    "times. Those that the project has already are kept in step, too.",
)
@click.option(
    "--remove-target",
    "removed",
    multiple=True,
    metavar="NAME",
    help="Delete that target's files but those that you edited, and keep it in step no longer.",
)
@click.option(
    "--resolved",
    multiple=True,
    metavar="FILE",
    help="FILE is right as it stands now: ends its conflict, and deletes FILE.new.",
)
@click.option("--check", is_flag=True, help="Write nothing; status 1 where files and registry differ.")
@click.option("--dry-run", is_flag=True, help="Show the diff, and write nothing.")
@click.option("--force", is_flag=True, help="Give up your edits: every file as it is generated.")
@click.pass_obj
def command(
    folder: Path,
    targets: Sequence[str],
    removed: Sequence[str],
    resolved: Sequence[str],
    check: bool,
    dry_run: bool,
    force: bool,
) -> None:
    """Write the files that deploy this project: image, AWS resources and roles, services, pipelines.

    All of them follow from the registry. Run it again when that has changed: files that you edited keep
    your edits; where you changed the same lines, your file stays and the new text is written beside it,
    FILE.new, with status 1 until --resolved. deploy/.generated.json remembers what was generated: commit it.

    \b
    Examples:
      blackcat generate-deploy --target docker --target ecs --target github-actions
      blackcat generate-deploy
      blackcat generate-deploy --check
      blackcat generate-deploy --resolved Dockerfile
    """
    from blackcat.infra.project.deploy_advice import advice_on
    from blackcat.infra.project.deploy_manifest import Manifest, decisions, write
    from blackcat.infra.project.project import find_project
    from blackcat.infra.settings.references import referenced_by

    project = find_project(folder)
    manifest = Manifest.read(project.root)
    wanted = _wanted(targets, removed, project, manifest)
    with results_only():
        registry = project.registry()
        settings, failures = referenced_by(project, registry, registry)
    for failure in failures:
        click.echo(f"warning: settings kept in AWS are not in the policies: {failure}", err=True)
    generated = _generated(project, registry, wanted, removed, settings)
    for advice in advice_on(project, registry, wanted, settings):
        click.echo(f"warning: {advice}", err=True)
    settled = _paths(resolved, generated)
    decided = decisions(project.root, manifest, generated, resolved=settled, force=force)
    if check or dry_run:
        click.echo("".join(_diff(decision) for decision in decided), nl=False)
    else:
        changed = manifest.changed(generated, decided, without=removed)
        write(project.root, decided, changed, resolved=settled)
    _tell(decided, written=not (check or dry_run))
    if any(decision.unresolved or (check and not decision.settled) for decision in decided):
        click.get_current_context().exit(FAILED)


def _wanted(
    targets: Sequence[str], removed: Sequence[str], project: Project, manifest: Manifest
) -> list[str]:
    """The targets that the project has already, and those that are asked for."""
    from blackcat.infra.project.deployment import targets_of, with_image

    known = targets_of(project)
    for target in removed:
        if target not in manifest.targets or target in targets:
            raise click.UsageError(f"'{target}' is no target of this project to remove")
    lost = [target for target in manifest.targets if target not in known and target not in removed]
    if lost:
        raise click.UsageError(
            f"the templates of target '{lost[0]}' are gone: bring them back, or say --remove-target {lost[0]}"
        )
    unknown = [target for target in targets if target not in (*known, _ALL)]
    if unknown:
        raise click.UsageError(f"there is no target '{unknown[0]}': choose {', '.join(known)}, or {_ALL}")
    had = manifest.targets.keys() - set(removed)
    wanted = [target for target in known if target in had or target in targets or _ALL in targets]
    if not wanted and not removed:
        raise click.UsageError(f"say what to deploy to, with --target: {', '.join(known)}, or {_ALL}")
    return with_image(project, wanted)


def _generated(
    project: Project,
    registry: ServiceRegistry,
    targets: Sequence[str],
    removed: Sequence[str],
    settings: Sequence[Reference],
) -> dict[str, list[File]]:
    """The files of the targets; none of those that are removed."""
    from blackcat.infra.project.deployment import files_of

    return {**files_of(project, registry, targets, settings), **{target: [] for target in removed}}


def _paths(named: Sequence[str], generated: Mapping[str, Sequence[File]]) -> list[PurePosixPath]:
    """Those files, seen from the project's root, as they are told."""
    known = {file.path for files in generated.values() for file in files}
    paths = [PurePosixPath(name) for name in named]
    for path in paths:
        if path not in known:
            raise click.UsageError(f"{path} is not generated: name the file as it is told, without .new")
    return paths


def _diff(decision: Decision) -> str:
    from blackcat.application.scaffolding.plan import Change, Kind

    if decision.settled:
        return ""
    after = decision.generated if decision.unresolved else decision.after
    return Change(decision.path, Kind.CHANGED, decision.before, after or "").diff()


def _tell(decided: Sequence[Decision], *, written: bool) -> None:
    """What was done, on stdout; or what would be, on stderr: then stdout has the diff."""
    from blackcat.application.deployment.keeping import Fate

    open_ = [decision for decision in decided if not decision.settled]
    kept = [decision for decision in decided if decision.fate in (Fate.KEPT, Fate.LEFT_OUT)]
    for decision in (*open_, *kept):
        reason = f"  ({decision.reason})" if decision.reason else ""
        would = "" if written or not decision.writes else "would be "
        click.echo(f"{would}{decision.fate.value}: {decision.path}{reason}", err=not written)
    if not open_:
        click.echo(f"nothing to do: {len(decided)} files are as the registry has them", err=not written)
    elif not written:
        click.echo("`blackcat generate-deploy` does that: commit what it writes", err=True)
