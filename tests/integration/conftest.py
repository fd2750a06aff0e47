"""Real services as real processes: started as users start them, watched through their logs and health."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from blackcat import ServiceRegistry
from blackcat.adapters_aws import AwsOptions, SqsBroker, provision
from blackcat.infra.emulator import Emulator

PROJECT = Path(__file__).with_name("project")
CANARY = "canary-5f1d/secret=of+the?shop"
PATIENCE_SECONDS = 60


class ServiceProcess:
    """A service of the project as a process of its own."""

    def __init__(self, service: str | None, environment: dict[str, str], log: Path) -> None:
        self._log = log
        variables = {**environment, **({"SERVICE_NAME": service} if service else {})}
        with log.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "main.py"],
                cwd=PROJECT,
                env=variables,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        return self._log.read_text()

    def events(self, name: str, **fields: Any) -> list[dict[str, Any]]:
        """The log lines of that event that have these fields so far."""
        lines = [json.loads(line) for line in self.output.splitlines() if line.startswith("{")]
        return [line for line in lines if line["event"] == name and fields.items() <= line.items()]

    def wait_for(self, name: str, *, count: int = 1, **fields: Any) -> dict[str, Any]:
        """The newest such log line, once there are ``count``."""
        until(lambda: len(self.events(name, **fields)) >= count or self.ended, f"{name} in\n{self.output}")
        found = self.events(name, **fields)
        assert len(found) >= count, f"no {count} x {name} {fields} in\n{self.output}"
        return found[-1]

    @property
    def ended(self) -> bool:
        return self.process.poll() is not None

    def health(self) -> tuple[int, dict[str, Any]]:
        return get(f"http://127.0.0.1:{self.wait_for('health.listening')['port']}/health")

    def signal(self, number: int = signal.SIGTERM) -> None:
        self.process.send_signal(number)

    def status(self) -> int:
        """The exit status, once it ended."""
        return self.process.wait(PATIENCE_SECONDS)

    def stop(self) -> int:
        self.signal()
        return self.status()


def until(condition: Callable[[], Any], what: str) -> None:
    """Wait for a real process to get somewhere; how long it takes asserts nothing."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"waited {PATIENCE_SECONDS} s for {what}"
        time.sleep(0.02)


def get(url: str) -> tuple[int, dict[str, Any]]:
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE_SECONDS) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


@pytest.fixture(scope="session")
def registry() -> ServiceRegistry:
    spec = importlib.util.spec_from_file_location("project_services", PROJECT / "services" / "__init__.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: ServiceRegistry = module.services
    return found


@pytest.fixture
def environment(emulator: Emulator, unique: str) -> dict[str, str]:
    """What a service of this test gets: short waits, free ports, queues of its own."""
    ours = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ}
    return {
        **ours,
        **emulator.environment(),
        "RESOURCE_PREFIX": f"{unique}_",
        "HEALTH_HOST": "127.0.0.1",
        "HEALTH_PORT": "0",
        "HOST": "127.0.0.1",
        "PORT": "0",
        "LOG_FORMAT": "json",
        "CONSUMER_WAIT_SECONDS": "1",
        "SHOP_API_KEY": CANARY,
    }


@pytest.fixture
def broker(aws_options: AwsOptions) -> SqsBroker:
    return SqsBroker(aws_options)


@pytest.fixture
def provisioned(registry: ServiceRegistry, aws_options: AwsOptions, unique: str) -> None:
    provision(registry, aws_options, prefix=f"{unique}_")


@pytest.fixture
def start(environment: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., ServiceProcess]]:
    """Start a service; whatever still runs at the end of the test is killed."""
    started: list[ServiceProcess] = []

    def start_service(service: str | None, **changes: str | None) -> ServiceProcess:
        variables = {name: value for name, value in {**environment, **changes}.items() if value is not None}
        log = tmp_path / f"{service or 'unnamed'}-{len(started)}.log"
        started.append(ServiceProcess(service, variables, log))
        return started[-1]

    yield start_service
    for running in started:
        if not running.ended:
            os.killpg(running.process.pid, signal.SIGKILL)
            running.process.wait()
