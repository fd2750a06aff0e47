"""``blackcat completion``: what a shell needs to complete commands and options."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the completion script of a shell, for its start-up file.

    \b
    Example:
      blackcat completion bash >> ~/.bashrc
      blackcat completion zsh >> ~/.zshrc
      blackcat completion fish > ~/.config/fish/completions/blackcat.fish
    """
    if completion := get_completion_class(shell):
        click.echo(completion(ctx.find_root().command, {}, "blackcat", "_BLACKCAT_COMPLETE").source())
