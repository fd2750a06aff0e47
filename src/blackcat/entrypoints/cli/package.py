"""``blackcat package``: the zips of a Lambda function."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from blackcat.entrypoints.cli.output import table

if TYPE_CHECKING:
    from blackcat.application.packaging.manifest import Manifest


@click.command("package")
@click.option("--python", metavar="3.10…3.14", help="The Python of the function's runtime.")
@click.option("--architecture", metavar="x86_64|arm64", help="Its processor.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("dist"),
    show_default=True,
    help="The folder for zips and manifest, seen from the project's.",
)
@click.option(
    "--odbc-driver",
    "drivers",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="A driver's shared library, for the layer; unixODBC and what they need come along.",
)
@click.option(
    "--find-links",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="FOLDER",
    help="Wheels of your own, beside the package index.",
)
@click.option("--json", "json_", is_flag=True, help="The manifest, for scripts.")
@click.pass_obj
def command(
    folder: Path,
    python: str | None,
    architecture: str | None,
    output: Path,
    drivers: tuple[Path, ...],
    find_links: tuple[Path, ...],
    json_: bool,
) -> None:
    """Build the function's zip, and its layers mew (Blackcat) and ekans (third-party packages).

    Python and architecture are those of [tool.blackcat.lambda] in pyproject.toml, unless named here;
    versions those of requirements.txt, or else of pyproject.toml's dependencies. The same input gives
    the same bytes. Nothing is built that Lambda would refuse, or that holds a secret.

    \b
    Examples:
      blackcat package
      blackcat package --python 3.13 --architecture arm64
    """
    from blackcat.infra.packaging.build import Workshop, build
    from blackcat.infra.packaging.pyproject import declared_function
    from blackcat.infra.project.project import find_project

    root = find_project(folder).root
    function = declared_function(root)
    function = replace(
        function, python=python or function.python, architecture=architecture or function.architecture
    )
    workshop = Workshop(root, root / output, _tell, _warn, drivers, find_links)
    manifest = build(function, workshop)
    click.echo(manifest.dumped() if json_ else _report(manifest), nl=not json_)


def _tell(text: str) -> None:
    click.echo(click.style(text, dim=True), err=True)


def _warn(text: str) -> None:
    click.echo(f"{click.style('note', fg='yellow')}: {text}", err=True)


def _report(manifest: Manifest) -> str:
    from blackcat.application.packaging.limits import MAX_UNZIPPED, largest, mebibytes
    from blackcat.application.packaging.manifest import lock

    rows = [
        (one.file, mebibytes(one.zipped), mebibytes(one.unzipped), one.sha256[:12])
        for one in manifest.artifacts
    ]
    together = sum(one.unzipped for one in manifest.artifacts)
    lines = [
        table(["artifact", "zipped", "unzipped", "sha256"], rows),
        f"unzipped together: {mebibytes(together)} of {mebibytes(MAX_UNZIPPED)}",
    ]
    if packages := largest(manifest.artifacts):
        lines += [f"largest: {', '.join(packages)}", "", *lock(manifest.artifacts)]
    return "\n".join(lines)
