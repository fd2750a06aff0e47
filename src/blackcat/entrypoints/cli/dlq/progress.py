"""The bar that shows how far a move has come."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click


@contextmanager
def progress_bar(label: str, total: int) -> Iterator[Callable[[int], None]]:
    """Yields what takes the number of messages that were done since; on a terminal it shows them."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    with click.progressbar(length=max(total, 1), label=label, file=sys.stderr, show_pos=True) as bar:
        yield bar.update
