"""Where log lines go: to standard output, which may be slow, full or gone, and must not hold a service up."""

from __future__ import annotations

import io
import logging
import os
import select
import sys
from pathlib import Path
from typing import Any

from blackcat.infra.logs.turns import one_at_a_time

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
            line = self._formatted(record)
            told = self._told() if self._dropped else ""
        except Exception:  # out of stack, or of memory
            self._dropped += 1
            return
        # The line that was dropped first may have been cut off in its middle.
        if self._dropped and self._write(f"\n{told}"):
            self._dropped = 0
        if self._dropped or not self._write(line):
            self._dropped += 1

    def _told(self) -> str:
        return self._formatted(_record("logs.dropped", count=self._dropped))

    def _formatted(self, record: logging.LogRecord) -> str:
        try:
            return self.format(record)
        except Exception as error:
            where = f"{record.pathname}:{record.lineno}"
            return self.format(
                _record("logs.not_written", log=record.name, where=where, error=type(error).__name__)
            )

    def _write(self, line: str) -> bool:
        left = f"{line}\n".encode(self._encoding, "backslashreplace")
        patience = 0.0 if self._dropped else self._patience
        try:
            with one_at_a_time(patience) as its_turn:
                while its_turn and left and self._takes_more(patience):
                    left = left[os.write(self._descriptor, left[:_PIECE]) :]
        except (OSError, ValueError):
            return False
        return not left

    def _takes_more(self, patience: float) -> bool:
        return bool(select.select([], [self._descriptor], [], patience)[1])


def _record(event: str, **fields: Any) -> logging.LogRecord:
    return logging.makeLogRecord(
        {
            "name": "blackcat.logs",
            "levelno": logging.WARNING,
            "levelname": "WARNING",
            "msg": event,
            "fields": fields,
        }
    )
