"""Probes: what the health server of each consumer answers, written into the history."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from chaos.history import Recorder

_EVERY_SECONDS = 0.2
_TIMEOUT_SECONDS = 2.0


class Probe:
    """Asks every consumer for its health, a few times a second; ``logs`` tells who runs, by their log."""

    def __init__(self, logs: Callable[[], Mapping[str, Path]], recorder: Recorder) -> None:
        self._logs = logs
        self._recorder = recorder
        self._ports: dict[str, int] = {}
        self._closed = threading.Event()

    @contextmanager
    def asking(self) -> Iterator[None]:
        thread = threading.Thread(target=self._run, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._closed.set()
            thread.join()

    def _run(self) -> None:
        while not self._closed.wait(_EVERY_SECONDS):
            for client, log in self._logs().items():
                if port := self._ports.get(client) or _port(log):
                    self._ports[client] = port
                    self._ask(client, port)

    def _ask(self, client: str, port: int) -> None:
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{port}/health", timeout=_TIMEOUT_SECONDS
            ) as answer:
                report = json.load(answer)
        except urllib.error.HTTPError as error:
            report = json.load(error)
        except (OSError, ValueError):
            return  # it is starting, stopped or ending
        self._recorder.record(
            "health", client=client, outcome=report["status"], reason="; ".join(report["reasons"])
        )


def _port(log: Path) -> int | None:
    for line in log.read_text().splitlines():
        if '"health.listening"' in line and line.endswith("}"):
            port: int = json.loads(line)["port"]
            return port
    return None
