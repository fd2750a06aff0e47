"""The processes that dev started, and what they write."""

from __future__ import annotations

import contextlib
import selectors
from collections.abc import Mapping, Sequence
from pathlib import Path

from blackcat.entrypoints.dev.screen import Screen
from blackcat.entrypoints.dev.stopping import StopRequest
from blackcat.infra.child_process import ChildProcess


class Processes:
    """Starts processes in the project's folder and shows their output, under their names."""

    def __init__(self, *, root: Path, screen: Screen, stop: StopRequest) -> None:
        self._root = root
        self._screen = screen
        self._stop = stop
        self._running: set[ShownProcess] = set()
        self._selector = selectors.DefaultSelector()
        self._selector.register(stop, selectors.EVENT_READ)

    def start(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> ShownProcess:
        child = ChildProcess(command, cwd=self._root, environment=environment)
        process = ShownProcess(name, child, self)
        self._running.add(process)
        self._selector.register(child, selectors.EVENT_READ, process)
        return process

    def show(self, seconds: float) -> None:
        """Show what they write; return when something has happened, or after that time."""
        for key, _ in self._selector.select(seconds):
            if isinstance(key.data, ShownProcess):
                self._show(key.data)
            else:
                self._stop.clear()

    def ended(self, process: ShownProcess) -> None:
        """Show its last lines and forget it."""
        if process in self._running:
            self._running.remove(process)
            self._forget_output(process)
            self._screen.lines(process.name, process.child.close())

    def end(self) -> None:
        """Kill whatever still runs."""
        for process in list(self._running):
            process.kill()
            self.ended(process)
        self._selector.close()

    def _show(self, process: ShownProcess) -> None:
        lines = process.child.lines()
        if lines is None:  # it closed its output; its end, if it comes, shows elsewhere
            self._forget_output(process)
        else:
            self._screen.lines(process.name, lines)

    def _forget_output(self, process: ShownProcess) -> None:
        with contextlib.suppress(KeyError):
            self._selector.unregister(process.child)


class ShownProcess:
    """One of them."""

    def __init__(self, name: str, child: ChildProcess, processes: Processes) -> None:
        self.name = name
        self.child = child
        self._processes = processes

    def poll(self) -> int | None:
        status = self.child.poll()
        if status is not None:
            self._processes.ended(self)
        return status

    def terminate(self) -> None:
        self.child.terminate()

    def kill(self) -> None:
        self.child.kill()
