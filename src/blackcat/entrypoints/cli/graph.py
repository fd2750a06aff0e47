"""``blackcat graph``: draw services, queues, topics and tables."""

from __future__ import annotations

from pathlib import Path

import click

from blackcat.entrypoints.cli.output import results_only

_FORMATS = ("mermaid", "svg")


@click.command("graph")
@click.option(
    "--format",
    "format_",
    type=click.Choice(_FORMATS),
    help="mermaid (the default) or svg; otherwise as FILE ends.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    metavar="FILE",
    help="Write to FILE instead of the terminal.",
)
@click.pass_context
def command(ctx: click.Context, format_: str | None, output: Path | None) -> None:
    """Draw services, queues, topics and tables, and what flows between them.

    Mermaid is for Markdown: GitHub and GitLab draw it. The SVG needs no other tool.

    \b
    Example:
      blackcat graph
      blackcat graph -o docs/services.svg
    """
    from blackcat.application.graph.mermaid import mermaid
    from blackcat.application.graph.model import graph_of
    from blackcat.application.graph.svg import svg
    from blackcat.infra.project.project import find_project

    target = output.absolute() if output else None
    project = find_project(ctx.obj)
    with results_only():
        graph = graph_of(project.registry(), project.root.name)
    draw = {"mermaid": mermaid, "svg": svg}[format_ or _format_of(target)]
    _write(draw(graph), target)


def _format_of(target: Path | None) -> str:
    return "svg" if target and target.suffix.lower() == ".svg" else "mermaid"


def _write(text: str, target: Path | None) -> None:
    if target is None:
        click.echo(text, nl=False)
        return
    try:
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.UsageError(f"{target} cannot be written: {error.strerror}") from error
