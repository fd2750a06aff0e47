"""``blackcat run``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(short_help="Run one service, as main.py does, with the environment of .env.")
@click.argument("service", required=False)
@click.pass_obj
def command(start: Path, service: str | None) -> None:
    """Run SERVICE until it is done or stopped: main.py in this process, with the variables of the .env
    files (what is set already stays as it is). Without main.py, the registry's service.

    SERVICE may be left out when SERVICE_NAME names it, or when there is only one.

    \b
    Examples:
      blackcat run start_payment
      SERVICE_NAME=start_payment blackcat run
    """
    from blackcat.entrypoints.project_service import run_project_service
    from blackcat.infra.project.project import find_project

    run_project_service(find_project(start), service)
