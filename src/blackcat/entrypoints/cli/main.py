"""``blackcat``: the group that every command belongs to."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import NoReturn

import click

from blackcat.entrypoints.cli.commands import COMMANDS
from blackcat.entrypoints.exit_status import CONFIGURATION, FAILED
from blackcat.errors import BlackcatError, ConfigurationError

_INTERRUPTED = 130  # 128 + SIGINT, as shells report it


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called: its help costs nothing."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"blackcat.entrypoints.cli.{COMMANDS[cmd_name].module}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, listed.summary) for name, listed in COMMANDS.items()])


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Each command explains itself: blackcat COMMAND --help",
)
@click.option(
    "-C",
    "--project",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="The project's folder (otherwise this one, or the nearest above that is a project).",
)
@click.version_option(package_name="blackcat", prog_name="blackcat")
@click.pass_context
def blackcat(ctx: click.Context, project: Path | None) -> None:
    """Microservices on AWS: generate, run, inspect and repair them."""
    ctx.obj = project or Path.cwd()
    if os.environ.get("NO_COLOR"):
        ctx.color = False


def main() -> NoReturn:
    """Run the command line; results go to stdout, problems to stderr, and the status tells them apart.

    0 done; 1 failed, or found something broken; 2 the command line is wrong; 78 the project or its
    configuration is wrong; 130 interrupted.
    """
    try:
        status = blackcat.main(prog_name="blackcat", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.exceptions.Abort:
        click.echo("stopped", err=True)
        sys.exit(_INTERRUPTED)
    except BrokenPipeError:
        # Whoever read our output has seen enough; the interpreter's own flush must not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(FAILED)
    except BlackcatError as error:
        # The context that knew of NO_COLOR has ended.
        color = False if os.environ.get("NO_COLOR") else None
        click.echo(f"{click.style('error', fg='red')}: {error}", err=True, color=color)
        sys.exit(CONFIGURATION if isinstance(error, ConfigurationError) else FAILED)
    sys.exit(status if isinstance(status, int) else 0)
