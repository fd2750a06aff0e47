"""What came from Secrets Manager, Parameter Store, the environment or RABBITMQ_URL is in no output.

Here: the commands, the dead letters and what pytest says. The logs, health and answers of services are in
test_secrets.py and test_settings_kept_in_aws.py.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from blackcat.adapters_aws import AwsOptions, Provisioner, SqsBroker
from blackcat.adapters_aws.calls import AwsCalls
from blackcat.adapters_rabbitmq import RabbitOptions
from blackcat.domain.outgoing import OutgoingMessage
from blackcat.infra.emulator import Emulator
from blackcat.infra.free_ports import any_free_port
from blackcat.infra.settings.configuration import Settings
from blackcat.resources import QueueResource, SecretResource
from blackcat.testing.processes import ServiceProcess
from rabbitmq_server import INSTALLED, NOT_INSTALLED, running_rabbitmq
from tests.integration.conftest import PATIENCE_SECONDS

SECRET = "canary-1/of+a=secret"
PARAMETER = "canary-2-parameter"
VARIABLE = "canary-3-variable"
BROKER = "canary-4-broker"
SETTINGS = ("config", "config --json", "doctor", "doctor --json", "services", "graph")
FAILING = ("run report", "invoke report", 'invoke orders {"id":1}', 'invoke orders {"id":2}')
STARTING = ("run orders", "run report", "config", "config --json", "doctor", "invoke report")
LOOKING = ("dlq list orders", "dlq peek orders")
PLUGIN = "blackcat.entrypoints.pytest_plugin"
INSTALLED_PLUGIN = any(found.value == PLUGIN for found in entry_points(group="pytest11"))
PYTEST = ("pytest",) if INSTALLED_PLUGIN else ("pytest", "-p", PLUGIN)
PROJECT = {
    "pyproject.toml": """
[tool.blackcat]

[tool.pytest.ini_options]
pythonpath = ["."]
addopts = "-p no:cacheprovider"
""",
    "services.py": f"""
from blackcat import Service, ServiceRegistry, ServiceType
from blackcat.resources import QueueResource, SecretResource, TopicResource

database = SecretResource("shop/db", dev_value={{"password": {SECRET!r}}})
orders = QueueResource("orders_cmd", max_receive_count=1)
placed = TopicResource("placed")
services = ServiceRegistry([
    Service(name="orders", type=ServiceType.CONSUMER, entrypoint="shop:take", queue_name="orders_cmd",
        subscribes=[placed], uses=[database.read(), orders.consume()]),
    Service(name="report", type=ServiceType.WORKER, entrypoint="shop:report", uses=[database.read()]),
], container="shop:build_container")
""",
    "shop.py": """
import os
from typing import Annotated

import punq
from pydantic import SecretStr

from blackcat import FromParameter, FromSecret, Reject, Settings, connect
from blackcat.application.secrets import Secret
from services import database


class ShopSettings(Settings):
    db_password: Annotated[str, FromSecret(database, key="password")]
    api_key: Annotated[SecretStr, FromParameter("/shop/api_key")] = SecretStr("")
    card_key: SecretStr


def build_container():
    container = punq.Container()
    container.register(ShopSettings, instance=ShopSettings())
    container.register(Secret, instance=connect(database))
    return container


def told(settings, secret):
    keys = settings.db_password, settings.api_key.get_secret_value(), settings.card_key.get_secret_value()
    broker = settings.rabbitmq_url and settings.rabbitmq_url.get_secret_value()
    return f"refused: {keys}, {secret.get().text}, {broker}"


def take(order: dict, settings: ShopSettings, secret: Secret) -> None:
    if order["id"] == 1:
        raise Reject(told(settings, secret))
    raise RuntimeError(told(settings, secret))


def report(settings: ShopSettings, secret: Secret) -> None:
    raise RuntimeError(told(settings, secret))
""",
}
DRAINS = """
from blackcat import connect
from services import orders


def test_it_drains(aws, drain):
    connect(orders).send({"id": 1})
    connect(orders).send({"id": 2})
    assert drain("orders") == []
"""
RUNS = """
def test_a_worker_fails(aws, run_service):
    run_service("report").wait_for("never")


def test_another_fails_at_the_end(aws, run_service):
    report = run_service("report")
    report.wait_for("worker.failed")


def test_a_service_does_not_start(aws, run_service):
    run_service("orders", CONSUMER_CONCURRENCY="none")
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, content in PROJECT.items():
        (tmp_path / name).write_text(content)
    return tmp_path


@pytest.fixture
def machine() -> dict[str, str]:
    """An environment with a secret of its own, and an address of a broker with another."""
    return {
        **{name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ},
        "CARD_KEY": VARIABLE,
        "RABBITMQ_URL": f"amqp://shop:{BROKER}@127.0.0.1:{any_free_port()}/",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


@pytest.fixture
def variables(
    emulator: Emulator, aws_options: AwsOptions, unique: str, machine: dict[str, str]
) -> dict[str, str]:
    """The environment of the project once it is provisioned, as loud as it gets."""
    provisioner = Provisioner(aws_options, prefix=unique)
    provisioner.create(SecretResource("shop/db", dev_value={"password": SECRET}))
    provisioner.create(QueueResource("orders_cmd", max_receive_count=1))
    parameter = {"Name": "/shop/api_key", "Value": PARAMETER, "Type": "SecureString", "Overwrite": True}
    AwsCalls("ssm", aws_options).read("PutParameter", "/shop/api_key", **parameter)
    ours = {"RESOURCE_PREFIX": unique, "CONSUMER_WAIT_SECONDS": "1", "LOG_LEVEL": "DEBUG"}
    return {**machine, **emulator.environment(), **ours, "HEALTH_HOST": "127.0.0.1", "HEALTH_PORT": "0"}


def run(project: Path, environment: dict[str, str], *arguments: str) -> str:
    """All that a command wrote."""
    ended = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=project,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    return ended.stdout


@contextlib.contextmanager
def running_orders(project: Path, environment: dict[str, str]) -> Iterator[ServiceProcess]:
    command = [sys.executable, "-m", "blackcat", "run", "orders"]
    consumer = ServiceProcess("orders", command, cwd=project, environment=environment, log=project / "log")
    try:
        yield consumer
    finally:
        consumer.kill()


def without_canary(outputs: dict[str, str]) -> None:
    shown = [f"{name}: {line}" for name, output in outputs.items() for line in output.splitlines()]
    assert [line for line in shown if "canary" in line] == []


def test_no_command_shows_it(project: Path, variables: dict[str, str]) -> None:
    settings = {command: run(project, variables, "blackcat", *command.split()) for command in SETTINGS}
    failing = {command: run(project, variables, "blackcat", *command.split()) for command in FAILING}
    without_canary(settings | failing)
    assert settings["config"].count(" *** ") == 4
    assert "BC401" in settings["doctor"]
    for output in failing.values():
        assert "refused: ('***', '***', '***'), ***, ***" in output


def test_no_error_of_a_start_shows_it(project: Path, variables: dict[str, str]) -> None:
    wrong = variables | {"QUEUE_BACKEND": "rabbitmq", "CONSUMER_CONCURRENCY": VARIABLE, "CARD_KEI": VARIABLE}
    outputs = {command: run(project, wrong, "blackcat", *command.split()) for command in STARTING}
    without_canary(outputs)
    assert all("CONSUMER_CONCURRENCY" in output for output in outputs.values())


def test_no_dead_letter_shows_it(
    project: Path, variables: dict[str, str], aws_options: AwsOptions, unique: str
) -> None:
    broker = SqsBroker(aws_options)
    broker.queue(f"{unique}orders_cmd").send_batch(
        [OutgoingMessage('{"id": 1}'), OutgoingMessage('{"id": 2}')]
    )
    with running_orders(project, variables) as consumer:
        consumer.wait_for("message.rejected")
        consumer.wait_for("message.retried")
        health = consumer.health()
        assert consumer.stop() == 0
    seen = {command: run(project, variables, "blackcat", *command.split()) for command in LOOKING}
    letters = broker.queue(f"{unique}orders_cmd_dlq").receive(wait=timedelta(seconds=10))
    without_canary({**seen, "log": consumer.output, "health": str(health), "letters": str(letters)})
    assert "refused: ('***', '***', '***'), ***, ***" in str(letters)
    assert all("refused" in output for output in seen.values()), seen


def test_pytest_shows_nothing_of_a_service_that_ran(project: Path, machine: dict[str, str]) -> None:
    (project / "test_shop.py").write_text(RUNS)
    output = run(project, machine | {"API_KEY": PARAMETER}, *PYTEST)
    without_canary({"pytest": output})
    assert "2 failed, 1 passed, 2 errors" in output, output
    assert output.count("refused: ('***', '***', '***'), ***, ***") >= 2, output


def test_pytest_shows_nothing_of_what_was_drained(project: Path, machine: dict[str, str]) -> None:
    (project / "test_shop.py").write_text(DRAINS)
    output = run(project, machine | {"API_KEY": PARAMETER}, *PYTEST)
    assert "1 failed" in output
    assert "refused" in output
    without_canary({"pytest": output})


def test_nothing_shows_the_address_of_a_broker_that_is_away(project: Path, variables: dict[str, str]) -> None:
    away = variables | {"QUEUE_BACKEND": "rabbitmq"}
    with running_orders(project, away) as consumer:
        consumer.wait_for("queue.open_failed")
        without_canary({"log": consumer.output, "health": str(consumer.health())})
    without_canary({command: run(project, away, "blackcat", *command.split()) for command in SETTINGS})


@pytest.mark.skipif(not INSTALLED, reason=NOT_INSTALLED)
def test_no_log_shows_a_password_that_a_broker_refused(
    project: Path, variables: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    with running_rabbitmq(tmp_path_factory.mktemp("rabbitmq")) as options:
        ours = {"QUEUE_BACKEND": "rabbitmq", "RABBITMQ_URL": options.url.replace("guest@", f"{BROKER}@")}
        output = run(project, variables | ours, "blackcat", "run", "orders")
    without_canary({"run": output})
    assert "RABBITMQ_URL" in output


def test_no_repr_shows_it() -> None:
    address = f"amqp://shop:{BROKER}@127.0.0.1/"
    for one in (RabbitOptions(address), Settings(rabbitmq_url=address)):
        assert "canary" not in f"{one!r} {one}"
