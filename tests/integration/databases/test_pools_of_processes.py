"""Pools in processes of their own: frozen and thawed, forked, ended; their secret in Secrets Manager."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from blackcat.adapters_aws import AwsOptions
from blackcat.adapters_aws.calls import AwsCalls
from blackcat.application.tied import tied
from blackcat.infra.emulator import Emulator
from tests.integration.conftest import until

_PROGRAM = Path(__file__).with_name("borrower.py")


class Borrower:
    """The process, asked line by line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def tell(self, command: str, *, answers: int = 1) -> list[str]:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{command}\n")
        self.process.stdin.flush()
        return [self.process.stdout.readline().strip() for _ in range(answers)]

    def ask(self) -> str:
        return self.tell("ask")[0]

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def end(self) -> tuple[int, str]:
        """Its exit status, and what it wrote to standard error."""
        errors = self.process.communicate(timeout=60)[1]
        return self.process.returncode, errors


@pytest.fixture(params=["postgres", "odbc", "mongo"])
def kind(request: pytest.FixtureRequest) -> str:
    kind: str = request.param
    return kind


@pytest.fixture
def subject(request: pytest.FixtureRequest, kind: str) -> Any:
    return request.getfixturevalue(f"{kind}_subject")


@pytest.fixture
def secrets_manager(aws_options: AwsOptions) -> AwsCalls:
    return AwsCalls("secretsmanager", aws_options)


@contextmanager
def running(kind: str, secret: str, emulator: Emulator, folder: Path) -> Iterator[Borrower]:
    environment = os.environ | emulator.environment() | {"SERVICE_NAME": "borrower"}
    process = subprocess.Popen(
        tied([sys.executable, str(_PROGRAM), kind, secret]),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=folder,
    )
    try:
        yield Borrower(process)
    finally:
        process.kill()
        process.communicate()


def test_frozen_and_forked_and_ended(
    kind: str,
    subject: Any,
    secrets_manager: AwsCalls,
    emulator: Emulator,
    unique: str,
    tmp_path: Path,
) -> None:
    content = json.dumps({**subject.fields, "password": subject.password})
    secrets_manager.read("CreateSecret", unique, Name=unique, SecretString=content)
    with running(kind, unique, emulator, tmp_path) as borrower:
        first = borrower.ask()
        assert borrower.ask() == first

        borrower.signal(signal.SIGSTOP)
        subject.kill()
        time.sleep(1.1)  # longer than check_after, by a clock that goes on
        borrower.signal(signal.SIGCONT)
        second = borrower.ask()
        assert "Error" not in second
        assert "Unreachable" not in second

        (of_child,) = borrower.tell("fork")
        assert of_child != second or kind == "mongo"
        assert borrower.ask() == second

        before, of_child, after = borrower.tell("fork within", answers=3)
        assert before == after == second
        assert "Unreachable" not in of_child

        subject.change_password()
        content = json.dumps({**subject.fields, "password": subject.password})
        secrets_manager.read("PutSecretValue", unique, SecretId=unique, SecretString=content)
        subject.kill()
        time.sleep(1.1)
        third = borrower.ask()
        assert "AccessDenied" not in third

        status, errors = borrower.end()
        assert (status, "Traceback" in errors) == (0, False)
        until(lambda: subject.connected() == 0, "the server to see the end")
