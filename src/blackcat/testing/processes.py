"""A service of a project as the process that production runs, watched through its logs and health."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from blackcat.application.tied import tied

PATIENCE_SECONDS = 60.0
_LOOK_SECONDS = 0.02


class ServiceProcess:
    """Started on construction; ends with ``stop``, by itself, or (on Linux) with this process.

    Whatever waits here gives up after a minute with an AssertionError that shows the logs: how long a
    service takes asserts nothing.
    """

    def __init__(
        self, name: str, command: Sequence[str], *, cwd: Path, environment: Mapping[str, str], log: Path
    ) -> None:
        self.name = name
        self.told_its_status = False
        self._log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                tied(command),
                cwd=cwd,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # ``kill`` reaches its children too.
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    @property
    def output(self) -> str:
        """All that it wrote so far, to standard output and standard error."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    @property
    def logs(self) -> list[dict[str, Any]]:
        """Its log lines so far, as the mappings that they are."""
        return [line for line in map(_parsed, self.output.splitlines()) if line is not None]

    @property
    def url(self) -> str:
        """The address of its REST API, once it listens."""
        return f"http://127.0.0.1:{self.wait_for('api.listening')['port']}"

    def events(self, name: str, **fields: Any) -> list[dict[str, Any]]:
        """The log lines of that event that have these fields, so far."""
        return [line for line in self.logs if line.get("event") == name and fields.items() <= line.items()]

    def wait_for(self, name: str, *, count: int = 1, **fields: Any) -> dict[str, Any]:
        """The newest log line of that event with these fields, once there are ``count``."""
        what = f"{count} x {name} {fields or ''}"
        self._until(lambda: len(self.events(name, **fields)) >= count or self.ended, what)
        found = self.events(name, **fields)
        assert len(found) >= count, self._told(f"ended without {what}")
        return found[-1]

    def health(self) -> tuple[int, dict[str, Any]]:
        """Status and JSON of ``GET /health``."""
        if self.events("api.listening"):
            return _get(f"{self.url}/health")
        return _get(f"http://127.0.0.1:{self.wait_for('health.listening')['port']}/health")

    def wait_until_healthy(self) -> None:
        """Until its health is 200; a worker has none, and need not be waited for."""
        self._until(lambda: self.ended or self._listens(), "its health")
        assert not self.ended, self._told("ended before it was healthy")
        self._until(lambda: self.ended or self.health()[0] == 200, "its health to be 200")
        assert not self.ended, self._told("ended before it was healthy")

    def status(self) -> int:
        """The exit status, once it ended by itself."""
        self._until(lambda: self.ended, "its end")
        self.told_its_status = True
        return self._process.wait()

    def stop(self) -> int:
        """Send SIGTERM, unless it ended, and give the exit status."""
        self._process.terminate()
        return self.status()

    def kill(self) -> None:
        """End at once what is left of it and of its children."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _listens(self) -> bool:
        return bool(self.events("health.listening") or self.events("api.listening"))

    def _until(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            assert time.monotonic() < deadline, self._told(f"waited {PATIENCE_SECONDS:.0f} s for {what}")
            time.sleep(_LOOK_SECONDS)

    def _told(self, problem: str) -> str:
        return f"service '{self.name}': {problem}; it wrote:\n{self.output}"


def stop_all(processes: Sequence[ServiceProcess]) -> None:
    """Stop what still runs, the last started first.

    Raises AssertionError unless all exit with 0, but for those whose status was asked for before.
    """
    try:
        left = [process for process in reversed(processes) if not process.told_its_status]
        failed = [f"'{p.name}' ended with {p.status()}; it wrote:\n{p.output}" for p in left if p.stop()]
        assert not failed, "\n".join(failed)
    finally:
        for process in processes:
            process.kill()


def _parsed(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        parsed = json.loads(line)
    except ValueError:  # half written yet
        return None
    return parsed if isinstance(parsed, dict) else None


def _get(url: str) -> tuple[int, dict[str, Any]]:
    # An HTTP proxy of the environment would be asked for 127.0.0.1 otherwise.
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(url, timeout=PATIENCE_SECONDS) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)
