"""A project whose settings are in Secrets Manager and Parameter Store, as real processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from blackcat.adapters_aws import AwsOptions, Provisioner, SqsBroker
from blackcat.adapters_aws.calls import AwsCalls
from blackcat.infra.emulator import Emulator
from blackcat.resources import QueueResource, SecretResource
from tests.integration.conftest import PATIENCE_SECONDS, get, until

PROJECT = Path(__file__).with_name("kept_in_aws")
SECRET = SecretResource("shop/db", dev_value={"username": "shop", "password": "canary-9e4b/of+the=db"})


@pytest.fixture
def variables(emulator: Emulator, aws_options: AwsOptions, unique: str) -> dict[str, str]:
    """The environment of a project that is provisioned."""
    provisioner = Provisioner(aws_options, prefix=unique)
    provisioner.create(SECRET)
    provisioner.create(QueueResource("orders_cmd", max_receive_count=1))
    key = {"Name": "/shop/api_key", "Value": "canary-3c1a-api-key", "Type": "SecureString", "Overwrite": True}
    AwsCalls("ssm", aws_options).read("PutParameter", "/shop/api_key", **key)
    ours = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ}
    free_ports = {
        "HEALTH_HOST": "127.0.0.1",
        "HEALTH_PORT": "0",
        "HOST": "127.0.0.1",
        "PORT": "0",
        "LOG_FORMAT": "json",
    }
    return {
        **ours,
        **emulator.environment(),
        **free_ports,
        "RESOURCE_PREFIX": unique,
        "CONSUMER_WAIT_SECONDS": "1",
    }


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=PROJECT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


@pytest.fixture
def start(
    variables: dict[str, str], tmp_path: Path
) -> Iterator[Callable[..., tuple[subprocess.Popen[bytes], Path]]]:
    started: list[subprocess.Popen[bytes]] = []

    def start_service(name: str) -> tuple[subprocess.Popen[bytes], Path]:
        log = tmp_path / f"{name}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "main.py"],
                cwd=PROJECT,
                env={**variables, "SERVICE_NAME": name},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        started.append(process)
        return process, log

    yield start_service
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def port_in(log: Path, event: str) -> int:
    until(lambda: f'"{event}"' in log.read_text(), f"{event} in the log")
    lines = [json.loads(line) for line in log.read_text().splitlines() if f'"{event}"' in line]
    port: int = lines[-1]["port"]
    return port


@pytest.mark.parametrize("format", ["json", "console"])
def test_no_log_shows_what_came_from_aws(variables: dict[str, str], format: str) -> None:
    loud = {"LOG_FORMAT": format, "LOG_LEVEL": "DEBUG", "SERVICE_NAME": "report"}
    ended = run("main.py", **{**variables, **loud})
    assert ended.returncode == 1
    assert "postgres://shop:***@db/shop" in ended.stdout
    assert "login failed for" in ended.stdout
    assert "canary" not in ended.stdout


def test_no_log_health_or_answer_of_a_service_shows_it(
    start: Callable[..., tuple[subprocess.Popen[bytes], Path]], aws_options: AwsOptions, unique: str
) -> None:
    broker = SqsBroker(aws_options)
    broker.queue(f"{unique}orders_cmd").send({"id": 1})
    consumer, log = start("orders")
    api, api_log = start("api")
    until(lambda: "login failed for" in log.read_text(), "the handler to fail")
    _, health = get(f"http://127.0.0.1:{port_in(log, 'health.listening')}/health")
    with pytest.raises(urllib.error.HTTPError) as failed:
        urllib.request.urlopen(f"http://127.0.0.1:{port_in(api_log, 'api.listening')}/spill")
    answer = failed.value.read().decode()
    until(lambda: "login failed for" in api_log.read_text(), "the view to fail")
    for process in (consumer, api):
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_SECONDS) == 0
    assert "canary" not in f"{log.read_text()} {api_log.read_text()} {health} {answer}"


def test_config_tells_where_they_come_from_and_never_what_they_are(variables: dict[str, str]) -> None:
    for arguments in (["config"], ["config", "--json"]):
        ended = run("-m", "blackcat", *arguments, **variables)
        assert ended.returncode == 0
        assert "canary" not in ended.stdout
    found = {one["variable"]: (one["value"], one["source"]) for one in json.loads(ended.stdout)}
    prefix = variables["RESOURCE_PREFIX"]
    assert found["DB_USER"] == ("shop", f"secret {prefix}shop/db")
    assert found["DB_PASSWORD"] == ("***", f"secret {prefix}shop/db")
    assert found["DB_PASSWORD_AS_TEXT"] == ("***", f"secret {prefix}shop/db")
    assert found["API_KEY"] == ("***", "parameter /shop/api_key")


def test_all_problems_end_the_start_at_once_with_status_78(variables: dict[str, str]) -> None:
    wrong = {
        "SERVICE_NAME": "report",
        "HEALTH_PORT": "canary",
        "MAXIMUM": "canary",
        "CONSUMER_CONCURENCY": "3",
        "DB_PASSWORD_SECRET": "shop/gone:password",
        "AWS_ENDPOINT_URL_SSM": "http://127.0.0.1:1",
    }
    ended = run("main.py", **{**variables, **wrong})
    assert ended.returncode == 78
    (line,) = [json.loads(line) for line in ended.stdout.splitlines() if "service.not_started" in line]
    for problem in (
        "HEALTH_PORT, MAXIMUM are wrong: Input should be a valid integer",
        "CONSUMER_CONCURENCY is not read by Blackcat: did you mean CONSUMER_CONCURRENCY?",
        "DB_PASSWORD cannot be read: secretsmanager GetSecretValue on 'shop/gone'",
        "API_KEY cannot be read: ssm GetParameters on '/shop/api_key': Could not connect",
    ):
        assert problem in line["reason"]
    assert "canary" not in ended.stdout
