"""A project moved to RabbitMQ by its environment alone: the demo, the command line, dev, its own tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from blackcat.adapters_rabbitmq import RabbitBroker, RabbitOptions
from blackcat.infra.emulator import REGION
from blackcat.infra.free_ports import any_free_port
from blackcat.infra.project.dev_session import DevSession, only_dev_of, write_session
from rabbitmq_server import INSTALLED, NOT_INSTALLED, running_rabbitmq

pytestmark = pytest.mark.skipif(not INSTALLED, reason=NOT_INSTALLED)

ROOT = Path(__file__).parents[2]
PLUGIN_INSTALLED = any(found.name == "blackcat" for found in entry_points(group="pytest11"))
PATIENCE_SECONDS = 100

SERVICES = """
from blackcat import Service, ServiceRegistry, ServiceType
from blackcat.resources import EventBusResource, QueueResource, TableResource, TopicResource

orders = TableResource("orders", key="id")
orders_cmd = QueueResource("orders_cmd", max_receive_count=4)
placed = TopicResource("placed")
shop = EventBusResource("shop")
by_card = placed.subscription(filter_policy={"kind": ["card"]})
consumer = Service(
    name="orders",
    type=ServiceType.CONSUMER,
    entrypoint="handlers:handle",
    queue_name="orders_cmd",
    subscribes=[by_card],
    uses=[orders.read_write(), orders_cmd.send()],
)
services = ServiceRegistry([consumer])
"""
HANDLERS = """
from blackcat import Message, Reject


def handle(order: dict, message: Message) -> None:
    if order.get("refused"):
        raise Reject("no such customer")
"""
TESTS = """
from blackcat import Handled, Rejected, connect
from services import orders_cmd, placed


def test_a_drain(aws, drain):
    connect(orders_cmd).send({"id": 1, "refused": True})
    connect(placed).publish({"id": 2}, attributes={"kind": "card"})
    connect(placed).publish({"id": 3})
    assert {type(one.outcome) for one in drain("orders")} == {Handled, Rejected}
    (letter,) = connect(orders_cmd.dead_letter).receive()
    assert letter.attributes["blackcat.reason"].value == "no such customer"


def test_a_process(aws, run_service):
    connect(orders_cmd).send({"id": 1})
    consumer = run_service("orders")
    consumer.wait_for("message.handled")
    assert consumer.stop() == 0
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("rabbitmq")


@pytest.fixture(scope="module")
def rabbitmq(folder: Path) -> Iterator[RabbitOptions]:
    with running_rabbitmq(folder) as options:
        yield options


@pytest.fixture
def on_rabbitmq(environment: dict[str, str], rabbitmq: RabbitOptions) -> dict[str, str]:
    return {**environment, "QUEUE_BACKEND": "rabbitmq", "RABBITMQ_URL": rabbitmq.url}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "shop"
    (root / "services").mkdir(parents=True)
    (root / "services" / "__init__.py").write_text(SERVICES)
    (root / "handlers.py").write_text(HANDLERS)
    (root / "pyproject.toml").write_text('[tool.blackcat]\n[tool.pytest.ini_options]\npythonpath = ["."]\n')
    (root / "test_orders.py").write_text(TESTS)
    return root


Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(project: Path, on_rabbitmq: dict[str, str]) -> Run:
    """Runs a module of Python in the project."""

    def run(*arguments: str, status: int = 0, **changes: str | None) -> subprocess.CompletedProcess[str]:
        variables = {**on_rabbitmq, **changes}
        done = subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=project,
            env={name: value for name, value in variables.items() if value is not None},
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done

    return run


@pytest.fixture
def prepared(run: Run, tmp_path: Path) -> None:
    """What ``blackcat dev`` does before it starts the services."""
    run("blackcat.entrypoints.dev.prepare", str(tmp_path / "plan.json"))


def test_the_payment_example_runs_on_it(rabbitmq: RabbitOptions, folder: Path) -> None:
    log = folder / "server.log"
    before = log.read_text().count("authenticated")
    done = subprocess.run(
        [sys.executable, "examples/demo.py"],
        cwd=ROOT,
        env=os.environ | {"QUEUE_BACKEND": "rabbitmq", "RABBITMQ_URL": rabbitmq.url},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "50 payments confirmed, 5 expired, all queues empty" in done.stdout
    # Its four services at least.
    assert log.read_text().count("authenticated") - before >= 4


def test_the_command_line_works_on_it(run: Run, prepared: None, rabbitmq: RabbitOptions, unique: str) -> None:
    where = f"in RabbitMQ at {rabbitmq.address}"
    broker = RabbitBroker(rabbitmq)
    queue, letters = (broker.queue(f"{unique}_{name}") for name in ("orders_cmd", "orders_cmd_dlq"))

    sent = run("blackcat", "send", "orders_cmd", '{"id": 1}')
    assert where in sent.stderr
    run("blackcat", "publish", "placed", '{"id": 2}', "--attribute", "kind=card")
    run("blackcat", "publish", "placed", '{"id": 3}', "--attribute", "kind=cash")
    received = queue.receive(wait=timedelta(seconds=20))
    assert {json.loads(message.body).get("id", 2) for message in received} == {1, 2}
    queue.delete([message.receipt for message in received])

    letters.send({"id": 4})
    (listed,) = json.loads(run("blackcat", "dlq", "list", "--json").stdout)
    assert (listed["queue"], listed["messages"]) == (f"{unique}_orders_cmd_dlq", 1)
    run("blackcat", "dlq", "redrive", "orders", "--mover", "sqs", "--yes", status=2)
    run("blackcat", "dlq", "redrive", "orders", "--yes")
    assert (broker.depth(queue.name).total, broker.depth(letters.name).total) == (1, 0)
    letters.send({"id": 5})
    assert "1 purged" in run("blackcat", "dlq", "purge", "orders", "--yes").stdout
    assert broker.depth(letters.name).total == 0
    broker.close()

    missing = run("blackcat", "send", "order_cmd", "{}", status=1).stderr
    assert f"there is no queue '{unique}_order_cmd' {where}: did you mean" in missing
    missing = run("blackcat", "publish", "palced", "{}", status=1).stderr
    assert f"there is no topic '{unique}_palced' {where}: did you mean '{unique}_placed'" in missing


def test_doctor_looks_at_it(run: Run, prepared: None, unique: str) -> None:
    diagnosis = json.loads(run("blackcat", "doctor", "--aws", "--json").stdout)
    assert diagnosis["findings"] == []
    assert [unchecked["subject"] for unchecked in diagnosis["unchecked"]] == ["topic 'placed'"]
    done = run("blackcat", "doctor", "--aws", "--json", status=1, RESOURCE_PREFIX=f"{unique}_other_")
    found = {finding["what"] for finding in json.loads(done.stdout)["findings"]}
    assert f"'{unique}_other_orders_cmd' is not in RabbitMQ" in found
    nowhere = f"amqp://guest:guest@127.0.0.1:{any_free_port()}/"
    told = json.loads(run("blackcat", "doctor", "--aws", "--json", status=1, RABBITMQ_URL=nowhere).stdout)
    assert "check RABBITMQ_URL" in told["findings"][0]["mend"]


def test_what_it_cannot_do_is_told_before_anything_runs(run: Run, project: Path, tmp_path: Path) -> None:
    services = project / "services" / "__init__.py"
    services.write_text(SERVICES.replace("[by_card]", '[shop.rule(pattern={"source": ["shop"]})]'))
    reason = "takes events of the bus 'shop', which EventBridge delivers to SQS only"
    plan = tmp_path / "plan.json"
    run("blackcat.entrypoints.dev.prepare", str(plan), status=78)
    assert reason in json.loads(plan.read_text())["problem"]
    assert reason in run("blackcat", "run", "orders", status=78).stdout
    findings = json.loads(run("blackcat", "doctor", "--json", status=1).stdout)["findings"]
    assert reason in " ".join(finding["what"] for finding in findings)


def test_a_command_never_looks_elsewhere_than_the_running_dev(
    run: Run, project: Path, on_rabbitmq: dict[str, str]
) -> None:
    def session(queue_backend: str) -> DevSession:
        url = on_rabbitmq["AWS_ENDPOINT_URL"]
        return DevSession(pid=os.getpid(), endpoint_url=url, region=REGION, queue_backend=queue_backend)

    def told(**changes: str | None) -> str:
        asked = run("blackcat", "dlq", "list", status=78, AWS_ENDPOINT_URL=None, **changes)
        return str(asked.stderr)

    with only_dev_of(project):
        write_session(project, session("rabbitmq"))
        assert "has its queues on rabbitmq, and QUEUE_BACKEND says sqs here" in told(QUEUE_BACKEND=None)
        write_session(project, session("sqs"))
        assert "has its queues on sqs, and QUEUE_BACKEND says rabbitmq here" in told()


def test_a_projects_own_tests_run_on_it(run: Run, folder: Path) -> None:
    log = folder / "server.log"
    before = log.read_text().count("authenticated")
    plugin = [] if PLUGIN_INSTALLED else ["-pblackcat.entrypoints.pytest_plugin"]
    assert "2 passed" in run("pytest", "-q", "-pno:cacheprovider", *plugin).stdout
    assert log.read_text().count("authenticated") - before >= 2  # pytest's process, and the consumer's
