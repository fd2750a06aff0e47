"""Processes that are measured: started in a session of their own, read from Linux's /proc, ended whole."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO

_TICKS = os.sysconf("SC_CLK_TCK")


class Process:
    """A process and all that it started."""

    def __init__(
        self, arguments: Sequence[str], *, folder: Path, environment: Mapping[str, str], log: IO[bytes]
    ) -> None:
        self.started = time.monotonic()
        self._popen = subprocess.Popen(
            arguments,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )

    def __enter__(self) -> Process:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._kill_what_is_left()

    @property
    def alive(self) -> bool:
        return self._popen.poll() is None

    def cpu_seconds(self) -> float:
        """User and system time so far, of children too, those that ended included."""
        ticks = sum(sum(map(int, fields[11:15])) for _, fields in self._session())
        return ticks / _TICKS

    def peak_megabytes(self) -> float:
        """The high-water marks of all its processes, added up: pages that they share count for each."""
        return sum(_high_water(pid) for pid, _ in self._session()) / 1024

    def stop(self, *, longest: float = 40.0) -> tuple[float, int | None]:
        """SIGTERM to the first process; the seconds until it ended, and its status (None: it did not end)."""
        began = time.monotonic()
        self._popen.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._popen.wait(longest)
        took = time.monotonic() - began
        status = self._popen.poll()
        self._kill_what_is_left()
        return took, status

    def _kill_what_is_left(self) -> None:
        for pid, _ in list(self._session()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._popen.wait()

    def _session(self) -> Iterator[tuple[int, list[str]]]:
        """Its processes, with the fields of their stat files after the command's name."""
        for folder in Path("/proc").iterdir():
            if not folder.name.isdigit():
                continue
            with contextlib.suppress(OSError):
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                if int(fields[3]) == self._popen.pid:
                    yield int(folder.name), fields


def _high_water(pid: int) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
    return 0
