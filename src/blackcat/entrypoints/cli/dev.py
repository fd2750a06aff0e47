"""``blackcat dev``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(short_help="Run the whole project on this machine, AWS included.")
@click.option(
    "--only", metavar="NAME", multiple=True, help="Run this service and no other; may be given several times."
)
@click.option("--persist", is_flag=True, help="Keep queues, tables and messages for the next time.")
@click.option("--no-reload", is_flag=True, help="Leave the services alone when files change.")
@click.pass_obj
def command(start: Path, only: tuple[str, ...], persist: bool, no_reload: bool) -> None:
    """Run the whole project on this machine: an AWS emulator with all that the registry declares, and
    every service as a process of its own, restarted when its code changes.

    Nothing of it ever reaches a real AWS account. An emulator of your own is used when
    AWS_ENDPOINT_URL leads to it. Ctrl-C stops everything; a second one at once.

    \b
    Examples:
      blackcat dev
      blackcat dev --persist --only start_payment --only payment_api
    """
    from blackcat.entrypoints.dev.dev import DevOptions, run_dev
    from blackcat.errors import UnknownService
    from blackcat.infra.project.project import find_project

    options = DevOptions(only=only, persist=persist, reload=not no_reload)
    project = find_project(start)
    project.require_services()
    try:
        run_dev(project, options)
    except UnknownService as error:
        raise click.BadParameter(str(error), param_hint="--only") from error
