"""A child process with its output as lines, in a session of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from blackcat.application.tied import tied

_READ_AT_ONCE = 65536
# What never ends its line is shown in pieces of this size.
_LONGEST_LINE = 65536


class ChildProcess:
    """Started on construction; Ctrl-C in the terminal reaches it only through ``terminate``.

    On Linux it gets SIGTERM when this process is killed.

    Standard output and standard error come out of ``lines`` in the order in which they were written.
    """

    def __init__(self, command: Sequence[str], *, cwd: Path, environment: Mapping[str, str]) -> None:
        self._output, writer = os.pipe()
        os.set_blocking(self._output, False)
        self._process = subprocess.Popen(
            tied(command),
            cwd=cwd,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=writer,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        os.close(writer)
        self._rest = b""

    def fileno(self) -> int:
        """Of its output, for a selector."""
        return self._output

    @property
    def pid(self) -> int:
        return self._process.pid

    def poll(self) -> int | None:
        return self._process.poll()

    def terminate(self) -> None:
        # To itself alone: it knows best what to do with its own children.
        self._process.terminate()

    def kill(self) -> None:
        """With all processes of its group, whatever became of itself."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def lines(self) -> list[str] | None:
        """What it has written since the last call, without waiting; None once there will be no more."""
        piece = self._read()
        if piece == b"":
            return None
        *whole, self._rest = (self._rest + (piece or b"")).split(b"\n")
        if len(self._rest) > _LONGEST_LINE:
            whole, self._rest = [*whole, self._rest], b""
        return [_text(line) for line in whole]

    def close(self) -> list[str]:
        """End what is left of it, and return the last lines."""
        self.kill()
        self._process.wait()
        while piece := self._read():
            self._rest += piece
        os.close(self._output)
        return [_text(line) for line in self._rest.splitlines()]

    def _read(self) -> bytes | None:
        """Empty at the end, None when there is nothing for now."""
        try:
            return os.read(self._output, _READ_AT_ONCE)
        except BlockingIOError:
            return None


def _text(line: bytes) -> str:
    return line.decode(errors="replace").rstrip("\r")
