"""What ``blackcat dev`` shows: every line under the name of the service that wrote it."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import click

OWN_NAME = "blackcat"

_COLOURS = ("cyan", "green", "magenta", "blue", "yellow", "bright_cyan", "bright_green", "bright_magenta")


class Screen:
    """Standard output. Off a terminal, and with NO_COLOR, it is plain."""

    def __init__(self) -> None:
        self.gone = False  # whoever read us has gone: a closed pipe or terminal
        self._colours: dict[str, str] = {}
        self._width = len(OWN_NAME)

    def introduce(self, names: Iterable[str]) -> None:
        """Give each service its column and its colour: the same in every run, in the registry's order."""
        self._colours = dict(zip(names, itertools.cycle(_COLOURS), strict=False))
        self._width = max(len(name) for name in [OWN_NAME, *self._colours])

    def lines(self, name: str, lines: Iterable[str]) -> None:
        own = True if name == OWN_NAME else None
        prefix = click.style(f"{name:<{self._width}} |", fg=self._colours.get(name), bold=own)
        self._write("\n".join(f"{prefix} {line}".rstrip() for line in lines))

    def say(self, text: str, *, problem: bool = False) -> None:
        """A line of dev's own, or several."""
        colour = "red" if problem else None
        self.lines(OWN_NAME, [click.style(line, fg=colour) for line in text.splitlines()])

    def _write(self, text: str) -> None:
        if self.gone or not text:
            return
        try:
            click.echo(text)
        except OSError:
            self.gone = True
