"""The project as it runs in production: each service a process, AWS an emulator."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from blackcat.adapters_aws import AwsOptions, provision
from blackcat.infra.emulator import running_emulator
from services import services

T = TypeVar("T")

PROJECT = Path(__file__).parents[2]
PATIENCE_SECONDS = 60.0

SETTINGS = {
    "ENVIRONMENT": "dev",
    "LOG_FORMAT": "json",
    "LOG_LEVEL": "INFO",
    "RESOURCE_PREFIX": "",
    "HOST": "127.0.0.1",
    "PORT": "0",  # any free one: the log says which
    "HEALTH_HOST": "127.0.0.1",
    "HEALTH_PORT": "0",
    "CONSUMER_WAIT_SECONDS": "1",
    "PAYMENT_EXPIRES_AFTER_SECONDS": "900",
    "NO_PROXY": "127.0.0.1",
    "no_proxy": "127.0.0.1",
}


class ServiceProcess:
    """One service as a process, with its log in a file."""

    def __init__(self, name: str, logs: Path) -> None:
        self._name = name
        self._log = logs / f"{name}.log"
        with self._log.open("w") as output:
            self._process = subprocess.Popen(
                [sys.executable, "main.py"],
                cwd=PROJECT,
                env={**os.environ, "SERVICE_NAME": name},
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def started(self) -> dict[str, Any]:
        """The log line that says that it works."""
        return eventually(f"{self._name} started", self._start_line)

    def terminate(self) -> None:
        if self._process.poll() is None:
            self._process.terminate()

    def wait(self) -> int:
        """The exit status."""
        try:
            return self._process.wait(PATIENCE_SECONDS)
        finally:
            self._process.kill()

    def _start_line(self) -> dict[str, Any] | None:
        assert self._process.poll() is None, f"{self._name} ended:\n{self._log.read_text()}"
        lines = [json.loads(line) for line in self._log.read_text().splitlines() if line.endswith("}")]
        return next((line for line in lines if line["event"] in ("api.listening", "consumer.started")), None)


def eventually(what: str, look: Callable[[], T | None]) -> T:
    """What ``look`` gives, as soon as that is true."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := look()):
        assert time.monotonic() < deadline, f"{what}: not within {PATIENCE_SECONDS:.0f} seconds"
        time.sleep(0.05)
    return found


@pytest.fixture(scope="session")
def aws() -> Iterator[AwsOptions]:
    """An emulator with all that the project declares; this process and those it starts use it."""
    with running_emulator() as emulator, pytest.MonkeyPatch.context() as variables:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            variables.delenv(name)
        for name, value in {**SETTINGS, **emulator.environment()}.items():
            variables.setenv(name, value)
        options = AwsOptions(endpoint_url=emulator.url)
        provision(services, options)
        yield options


@pytest.fixture
def run_service(aws: AwsOptions, tmp_path: Path) -> Iterator[Callable[[str], ServiceProcess]]:
    """Starts a service by its name; at the end all are stopped, and must exit with 0."""
    processes: list[ServiceProcess] = []

    def start(name: str) -> ServiceProcess:
        processes.append(ServiceProcess(name, tmp_path))
        return processes[-1]

    yield start
    for process in processes:
        process.terminate()
    assert [process.wait() for process in processes] == [0] * len(processes)
