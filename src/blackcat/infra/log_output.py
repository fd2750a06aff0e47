"""Where log lines go: to standard output, which may be slow, full or gone, and must not hold a service up."""

from __future__ import annotations

import io
import logging
import os
import select
import sys
from pathlib import Path

# What a pipe that says it takes more surely takes, as one piece.
# https://man7.org/linux/man-pages/man7/pipe.7.html
_PIECE = select.PIPE_BUF
# A reader that is merely busy is waited for; without one, handlers and a stop must go on.
_PATIENCE_SECONDS = 2.0


def output_handler(*, utf8: bool) -> logging.Handler:
    """The handler for standard output as it is now: a file, a pipe, a terminal, or whatever a test put there.

    Lines are encoded as UTF-8, whatever the locale, or else as standard output's own ``print`` is.
    """
    if sys.stdout is None:  # started with it closed: what is opened next must not become its place
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 - it stays open to the end
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # no odd character may cost a line
    try:
        descriptor = sys.stdout.fileno()
    except (OSError, ValueError):
        return logging.StreamHandler(sys.stdout)
    return OutputHandler(descriptor, "utf-8" if utf8 else sys.stdout.encoding)


class OutputHandler(logging.Handler):
    """Writes each line at once. One that is not taken within two seconds, or at all, is dropped.

    Once lines are taken again, ``logs.dropped`` says how many were not. Nothing is kept in a buffer, so
    a full disk or a pipe without reader changes neither a handler's outcome nor the exit status.
    """

    def __init__(self, descriptor: int, encoding: str, *, patience: float = _PATIENCE_SECONDS) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._encoding = encoding
        self._patience = patience
        self._dropped = 0

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
        except Exception:
            self.handleError(record)
            return
        # The line that was dropped first may have been cut off in its middle.
        if self._dropped and self._write(f"\n{self.format(_told(self._dropped))}"):
            self._dropped = 0
        if self._dropped or not self._write(line):
            self._dropped += 1

    def _write(self, line: str) -> bool:
        left = f"{line}\n".encode(self._encoding, "backslashreplace")
        try:
            while left and self._takes_more():
                left = left[os.write(self._descriptor, left[:_PIECE]) :]
        except (OSError, ValueError):
            return False
        return not left

    def _takes_more(self) -> bool:
        patience = 0.0 if self._dropped else self._patience
        return bool(select.select([], [self._descriptor], [], patience)[1])


def _told(dropped: int) -> logging.LogRecord:
    return logging.makeLogRecord(
        {
            "name": "blackcat.logs",
            "levelno": logging.WARNING,
            "levelname": "WARNING",
            "msg": "logs.dropped",
            "fields": {"count": dropped},
        }
    )
