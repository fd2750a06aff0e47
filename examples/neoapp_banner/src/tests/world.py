"""All that the function needs, on this machine: Postgres, an emulator with secrets, stand-ins of services."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from blackcat.infra.emulator import Emulator, running_emulator
from blackcat.infra.postgres_server import running_postgres
from blackcat.testing.lambda_runtime import LambdaFunction

from .standins import OPENAI_KEY, PAGARME_KEY, Standin, openai_standin, pagarme_standin

PROJECT = Path(__file__).parents[2]
POSTGRES_SECRET = "neoapp/postgres"
OPENAI_SECRET = "neoapp/openai"
# awslambdaric and Postgres take their time on a busy machine; on Lambda a function has 15 minutes at most.
SECONDS = 60


@dataclass(frozen=True)
class World:
    """``environment`` is what a process needs to live in it."""

    environment: Mapping[str, str]
    login: Mapping[str, Any]
    emulator: Emulator
    openai: Standin
    pagarme: Standin

    def function(self, **environment: str) -> LambdaFunction:
        """The function as a process of its own, frozen between invocations; who asks for it closes it."""
        return LambdaFunction(
            "src.main.main",
            root=PROJECT,
            environment={**self.environment, **environment},
            timeout=timedelta(seconds=SECONDS),
            freeze=True,
        )

    def script(self, name: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """``python -m src.scripts.name``, run to its end."""
        return subprocess.run(
            [sys.executable, "-m", f"src.scripts.{name}", *arguments],
            cwd=PROJECT,
            env={"PATH": os.environ["PATH"], **self.environment, **environment},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )


@contextmanager
def running_world() -> Iterator[World]:
    """It all ends with the block. Raises AssertionError where no Postgres can be started."""
    with (
        running_postgres() as postgres,
        running_emulator() as emulator,
        openai_standin() as openai,
        pagarme_standin() as pagarme,
    ):
        keep_secret(emulator, POSTGRES_SECRET, postgres.secret())
        keep_secret(emulator, OPENAI_SECRET, {"api_key": OPENAI_KEY})
        keep_secret(emulator, "neoapp/pagarme", {"api_key": PAGARME_KEY})
        environment = {
            **emulator.environment(),
            "ENVIRONMENT": "dev",
            "LOG_FORMAT": "json",
            "DATABASE_TLS": "disable",  # it is on this machine
            "OPENAI_BASE_URL": openai.url,
            "PAGARME_BASE_URL": pagarme.url,
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
            "NO_PROXY": "127.0.0.1",
        }
        yield World(environment, postgres.secret(), emulator, openai, pagarme)


def keep_secret(emulator: Emulator, name: str, value: Mapping[str, Any]) -> None:
    """Create the secret, or give it a new value."""
    asked = {"SecretId": name, "Name": name, "SecretString": json.dumps(value)}
    answer = _secrets_manager(emulator, "CreateSecret", asked)
    if answer.is_error:
        _secrets_manager(emulator, "PutSecretValue", asked).raise_for_status()


def _secrets_manager(emulator: Emulator, action: str, asked: Mapping[str, Any]) -> httpx.Response:
    headers = {
        "X-Amz-Target": f"secretsmanager.{action}",
        "Content-Type": "application/x-amz-json-1.1",
        "Authorization": "AWS4-HMAC-SHA256 Credential=test/20300101/us-east-1/secretsmanager/aws4_request",
    }
    return httpx.post(emulator.url, headers=headers, json=dict(asked), trust_env=False, timeout=SECONDS)
