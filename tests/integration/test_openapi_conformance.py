"""The payment API as it runs, held against its own OpenAPI document by schemathesis."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from string import ascii_uppercase

import pytest

from blackcat.adapters_aws import AwsOptions, provision
from blackcat.infra.emulator import Emulator
from blackcat.testing.processes import ServiceProcess, stop_all

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "payment"
CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
ALL_CURRENCIES = ",".join(map("".join, product(ascii_uppercase, repeat=3)))


@pytest.fixture
def api(emulator: Emulator, aws_options: AwsOptions, unique: str, tmp_path: Path) -> Iterator[ServiceProcess]:
    spec = importlib.util.spec_from_file_location("payment_services", EXAMPLE / "services" / "__init__.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    provision(module.services, aws_options, prefix=f"{unique}_")
    environment = {
        **{name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ},
        **emulator.environment(),
        "RESOURCE_PREFIX": f"{unique}_",
        "SERVICE_NAME": "payment_api",
        "HOST": "127.0.0.1",
        "PORT": "0",
        "LOG_FORMAT": "json",
        # No schema tells what the settings refuse.
        "PAYMENT_ACCEPTED_CURRENCIES": ALL_CURRENCIES,
        "PAYMENT_MAXIMUM_AMOUNT": "1e12",
    }
    command = [sys.executable, "main.py"]
    process = ServiceProcess(
        "payment_api", command, cwd=EXAMPLE, environment=environment, log=tmp_path / "log"
    )
    yield process
    stop_all([process])


def findings(api: ServiceProcess, folder: Path, *options: str) -> str:
    """What schemathesis found; empty when it found nothing."""
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIGURATION), "run"]
    arguments = [f"{api.url}/openapi.json", "--no-color", *options]
    run = subprocess.run([*command, *arguments], cwd=folder, capture_output=True, text=True, check=False)
    return "" if run.returncode == 0 else run.stdout + run.stderr


def test_the_api_is_what_its_document_says(api: ServiceProcess, tmp_path: Path) -> None:
    found = findings(api, tmp_path, "--max-examples", "15", "--seed", "1")
    assert not found, found
    assert not api.events("request.failed")
    assert api.events("request.handled", route="/payments", status=202)


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_it_stays_so_for_long(api: ServiceProcess, tmp_path: Path) -> None:
    found = findings(api, tmp_path, "--max-examples", "1000", "--continue-on-failure")
    assert not found, found
    assert not api.events("request.failed")
