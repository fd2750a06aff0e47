"""``blackcat provision``: what the project declares, created on an emulator."""

from __future__ import annotations

from pathlib import Path

import click

from blackcat.entrypoints.cli.output import results_only


@click.command("provision")
@click.pass_obj
def command(folder: Path) -> None:
    """Create what the project declares, on the emulator that AWS_ENDPOINT_URL leads to.

    For containers and scripts; `blackcat dev` and the tests do it by themselves. What is there already is
    brought up to date. An AWS account is never touched: it has the templates of `blackcat generate-deploy`.

    \b
    Example:
      AWS_ENDPOINT_URL=http://127.0.0.1:4566 AWS_REGION=us-east-1 blackcat provision
    """
    from blackcat.infra.project.project import find_project

    with results_only():
        registry = find_project(folder).registry()
    from blackcat.entrypoints.provisioning import provision
    from blackcat.entrypoints.settings import Settings
    from blackcat.infra.settings.configuration import export_aws_variables

    settings = Settings()
    export_aws_variables()
    provision(registry, settings)
    click.echo(f"there are now: {', '.join(sorted(resource.name for resource in registry.resources))}")
