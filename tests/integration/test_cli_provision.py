"""`blackcat provision` creates on an emulator what a project declares, and never in an account."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from blackcat.adapters_aws import SqsBroker
from blackcat.infra.emulator import Emulator

PROJECT = Path(__file__).with_name("project")


def provision(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "blackcat", "-C", str(PROJECT), "provision"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_is_declared_is_there_and_may_be_there_already(
    environment: dict[str, str], broker: SqsBroker, unique: str
) -> None:
    for _ in range(2):
        done = provision(environment)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("there are now: ")
    names = done.stdout.removeprefix("there are now: ").strip().split(", ")
    assert [name for name in names if name.endswith("_cmd")]
    for name in names:
        if name.endswith("_cmd"):
            assert broker.depth(f"{unique}_{name}").total == 0


def test_an_account_is_never_touched(environment: dict[str, str], emulator: Emulator) -> None:
    without = {name: value for name, value in environment.items() if name != "AWS_ENDPOINT_URL"}
    done = provision(without)
    assert done.returncode == 78
    assert "never in an AWS account" in done.stderr
