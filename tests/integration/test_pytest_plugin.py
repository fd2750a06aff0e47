"""A user's project with its own tests, run by pytest as a process."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.parse
from importlib.metadata import entry_points
from pathlib import Path
from xml.etree import ElementTree

import pytest

PLUGIN = "blackcat.entrypoints.pytest_plugin"
INSTALLED = any(found.value == PLUGIN for found in entry_points(group="pytest11"))

PYPROJECT = """
[tool.blackcat]

[tool.pytest.ini_options]
pythonpath = ["."]
"""

SERVICES = """
from datetime import timedelta

from blackcat import Service, ServiceRegistry, ServiceType
from blackcat.resources import QueueResource, TableResource, TopicResource

orders = TableResource("orders", key="id")
orders_cmd = QueueResource("orders_cmd", max_receive_count=2)
ordered_cmd = QueueResource("ordered_cmd.fifo", content_based_deduplication=True)
order_placed = TopicResource("order_placed")
CONSUMER = ServiceType.CONSUMER
services = ServiceRegistry([
    Service(
        name="place_order", type=CONSUMER, entrypoint="shop:place", queue_name="orders_cmd",
        uses=[orders.read_write(), orders_cmd.send()], subscribes=[order_placed],
    ),
    Service(name="in_order", type=CONSUMER, entrypoint="shop:place", queue_name="ordered_cmd.fifo",
        uses=[orders.read_write(), ordered_cmd.consume()]),
    Service(name="ungranted", type=CONSUMER, entrypoint="shop:place", queue_name="orders_cmd",
        uses=[orders.read()]),
    Service(name="count_orders", type=ServiceType.WORKER, entrypoint="shop:count"),
    Service(name="shop_api", type=ServiceType.REST_API, endpoint_module="shop_api"),
])
"""

SHOP = """
import logging
from datetime import timedelta

from blackcat import Reject, Retry, connect
from services import orders, orders_cmd


def place(order: dict) -> None:
    if order.get("refused"):
        raise Reject("no such customer")
    if order.get("later"):
        raise Retry(after=timedelta(hours=1))
    if order.get("more"):
        connect(orders_cmd).send({"id": order["id"] + 1, "more": order["more"] - 1})
    connect(orders).save({"id": str(order["id"])})


def count() -> None:
    logging.getLogger("shop").warning("counted")
"""

API = """
from flask import Blueprint

api = Blueprint("shop", __name__)


@api.get("/ping")
def ping():
    return {"pong": True}
"""

# The first example of the documentation.
GUIDE = Path(__file__).parents[2] / "docs" / "en" / "testing.md"
TEN_LINES = GUIDE.read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]

DRAINED = """
import json
from datetime import timedelta

import pytest

from blackcat import Handled, Rejected, Retried, connect
from services import order_placed, ordered_cmd, orders, orders_cmd


def outcomes(drained):
    return [type(one.outcome) for one in drained]


@pytest.mark.parametrize("again", range(2))
def test_nothing_is_there_before(aws, drain, again):
    connect(orders_cmd).send({"id": 1})
    assert len(drain("place_order")) == 1
    assert drain("place_order") == []


def test_a_rejected_message_is_dead_lettered(aws, drain):
    connect(orders_cmd).send({"id": 1, "refused": True})
    (one,) = drain("place_order")
    assert one.outcome.reason == "no such customer"
    (letter,) = connect(orders_cmd.dead_letter).receive()
    assert letter.attributes["blackcat.reason"].value == "no such customer"


def test_each_drain_is_one_attempt(aws, drain):
    connect(orders_cmd).send({"id": 1, "later": True})
    (first,) = drain("place_order")
    (second,) = drain("place_order")
    assert (first.outcome.after, first.message.receive_count) == (timedelta(hours=1), 1)
    assert second.message.receive_count == 2
    assert drain("place_order") == []
    (letter,) = connect(orders_cmd.dead_letter).receive()
    assert json.loads(letter.body) == {"id": 1, "later": True}


def test_what_a_handler_sends_is_handled_too(aws, drain):
    connect(orders_cmd).send({"id": 1, "more": 2})
    assert outcomes(drain("place_order")) == [Handled] * 3
    with pytest.raises(AssertionError, match="place_order"):
        connect(orders_cmd).send({"id": 1, "more": 9})
        drain("place_order", most=4)


def test_a_topic_reaches_the_consumer(aws, drain):
    connect(order_placed).publish({"id": 7})
    (one,) = drain("place_order")
    assert one.message.envelope.source.endswith("order_placed")


def test_a_failure_keeps_the_rest_of_its_group(aws, drain):
    queue = connect(ordered_cmd)
    for number, group in [(1, "a"), (2, "b"), (3, "a"), (4, "b")]:
        queue.send({"id": number, "later": number == 1}, group_id=group)
    drained = drain("in_order")
    assert sorted(json.loads(one.message.body)["id"] for one in drained) == [1, 2, 4]
    assert connect(orders).get({"id": "3"}) is None
    assert [json.loads(one.message.body)["id"] for one in drain("in_order")] == [1]


def test_what_was_sent_is_in_the_trace_of_who_sent_it(aws, drain, spans):
    connect(orders_cmd).send({"id": 1, "more": 1})
    drain("place_order")
    assert [line for line in spans.tree(without=aws.prefix) if "receive" not in line] == [
        "process orders_cmd",
        "  SQS.GetQueueUrl",
        "  send orders_cmd",
        "    process orders_cmd",
        "      DynamoDB.PutItem",
        "  DynamoDB.PutItem",
    ]


def test_a_body_that_is_no_order(aws, drain):
    connect(orders_cmd).send("[1")
    assert outcomes(drain("place_order")) == [Rejected]
"""

PROCESSES = """
import json
import os
import urllib.request

import pytest

from blackcat import connect
from services import orders, orders_cmd


def test_a_consumer(aws, run_service):
    connect(orders_cmd).send({"id": 1})
    consumer = run_service("place_order")
    consumer.wait_for("message.handled")
    assert consumer.health()[0] == 200
    assert consumer.stop() == 0
    assert consumer.events("consumer.stopped", handled=1)
    assert connect(orders).get({"id": "1"})


def test_a_worker(run_service):
    worker = run_service("count_orders")
    assert worker.status() == 0
    assert "counted" in worker.output


def test_an_api(run_service):
    with urllib.request.urlopen(run_service("shop_api").url + "/ping") as answer:
        assert json.load(answer) == {"pong": True}


def test_one_that_does_not_start(run_service):
    with pytest.raises(AssertionError, match="CONSUMER_WAIT_SECONDS"):
        run_service("place_order", CONSUMER_WAIT_SECONDS="soon")
"""

GRANTED = """
import logging

import pytest

from blackcat import connect, connect_transactions
from blackcat.application.ports import Save
from services import orders, orders_cmd


def test_what_is_granted_may_be_called(aws, drain, assert_only_granted):
    for order in [{"id": 1, "more": 1}, {"id": 8, "refused": True}, {"id": 9, "later": True}]:
        connect(orders_cmd).send(order)
    with assert_only_granted("place_order"):
        assert len(drain("place_order")) == 4
        connect_transactions().write([Save(connect(orders), {"id": "t"})])
        connect_transactions().read([(connect(orders), {"id": "t"})])


def test_what_is_not_is_told_by_name(aws, drain, assert_only_granted):
    connect(orders_cmd).send({"id": 1})
    with pytest.raises(AssertionError) as raised, assert_only_granted("ungranted"):
        drain("ungranted")
    assert str(raised.value) == (
        "service 'ungranted' is not granted dynamodb:PutItem on 'orders': declare it in uses"
    )


def test_another_queue_is_not_granted_either(aws, assert_only_granted):
    with pytest.raises(AssertionError, match="'in_order' is not granted sqs:SendMessage on 'orders_cmd'"):
        with assert_only_granted("in_order"):
            connect(orders_cmd).send({"id": 1})


def test_an_error_in_the_block_is_the_one_that_is_seen(aws, assert_only_granted):
    with pytest.raises(ZeroDivisionError), assert_only_granted("in_order"):
        connect(orders_cmd).send({"id": 1})
        1 / 0
    assert logging.getLogger("blackcat.adapters_aws.calls").level == logging.NOTSET
"""

DRIFT = """
import pytest

from blackcat import connect
from services import orders_cmd


@pytest.mark.parametrize("service", ["place_order", "ungranted"])
def test_drained(aws, drain, service):
    connect(orders_cmd).send({"id": 1})
    drain(service)


def test_run(aws, run_service):
    consumer = run_service("in_order")
    assert consumer.stop() == 0
"""

ALONE = """
import os
import sys
from datetime import timedelta

import pytest

from blackcat import Handled, Service, ServiceType
from blackcat.resources import QueueResource
from blackcat.testing import InMemoryBroker


def test_in_memory(drain, frozen_clock):
    seen = []

    def listen(order: dict) -> None:
        seen.append(order)

    service = Service(name="listen", type=ServiceType.CONSUMER, entrypoint=listen, queue_name="q")
    broker = InMemoryBroker(frozen_clock)
    queue = broker.create(QueueResource("q"))
    queue.send({"id": 1})
    queue.send({"id": 2}, delay=timedelta(minutes=5))
    assert [one.outcome for one in drain(service, broker=broker)] == [Handled()]
    frozen_clock.advance(timedelta(minutes=5))
    assert [one.outcome for one in drain(service, broker=broker)] == [Handled()]
    assert [order["id"] for order in seen] == [1, 2]


def test_drain_alone_never_reaches_aws(drain):
    with pytest.raises(pytest.fail.Exception, match="fixture `aws`"):
        drain("place_order")
"""

MASKED = """
import logging

import pytest

from blackcat.infra.redaction import redactor

SECRET = "test"  # which the path of this file holds too
redactor.learn(SECRET)


def test_skipped():
    pytest.skip(f"no {SECRET} here")


@pytest.mark.skip(reason=f"never {SECRET}")
def test_marked():
    pass


def test_xfailed():
    pytest.xfail(f"not {SECRET} yet")


def test_property(record_property):
    record_property("said", f"a {SECRET}")
    record_property("count", 1)


def test_failed():
    logging.getLogger().warning(f"warned {SECRET}")
    raise RuntimeError(f"broken {SECRET}")
"""

# A fixture of that name is common in projects; this one leads to what stands for an account.
ANOTHER_AWS = """
import pytest

from blackcat import connect
from services import orders_cmd


@pytest.fixture
def aws():
    return "a session of boto3"


def test_drain(aws, drain):
    drain("place_order")


def test_run_service(run_service):
    run_service("place_order")


def test_granted(assert_only_granted):
    with assert_only_granted("place_order"):
        pass
"""

CONTAINED = """
from blackcat import Handled, Service, ServiceRegistry, ServiceType
from blackcat.resources import QueueResource
from blackcat.testing import InMemoryBroker


class Greeter:
    pass


class Container:
    closed = False

    def __len__(self):
        return 0

    def resolve(self, kind):
        return kind()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.closed = True


class Greet:
    def __init__(self, greeter: Greeter) -> None:
        self.greeter = greeter

    def __call__(self, order: dict) -> None:
        assert isinstance(self.greeter, Greeter)


def test_a_container_as_it_is_and_what_builds_one(drain):
    service = Service(name="greet", type=ServiceType.CONSUMER, entrypoint=Greet, queue_name="q")
    broker = InMemoryBroker()
    queue = broker.create(QueueResource("q"))
    ready = Container()
    for container in (ready, Container, lambda: Container()):
        queue.send({"id": 1})
        assert [one.outcome for one in drain(service, broker=broker, container=container)] == [Handled()]
    assert not ready.closed
"""

FAILING_INSIDE = """
import shop
from blackcat import connect
from services import orders_cmd


class Untouchable:
    def save(self, item):
        import pytest

        pytest.fail("the table must not be touched")


def test_it(aws, drain):
    shop.connect = lambda resource: Untouchable()
    connect(orders_cmd).send({"id": 1})
    drain("place_order")
"""

# It tells what runs for it, and stays.
STAYING = """
import threading
from pathlib import Path


def test_it(aws, run_service):
    consumer = run_service("place_order")
    address = f"127.0.0.1:{consumer.wait_for('health.listening')['port']}"
    Path("new").write_text(f"http://{address} {aws.url}")
    Path("new").rename("running")
    threading.Event().wait()
"""

UNUSED = """
import sys


def test_it_costs_nothing():
    loaded = {"boto3", "botocore", "flask", "pydantic", "blackcat.testing"} & set(sys.modules)
    assert not loaded
"""


@pytest.fixture
def project(tmp_path):
    files = {"pyproject.toml": PYPROJECT, "services.py": SERVICES, "shop.py": SHOP, "shop_api.py": API}
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    return tmp_path


def pytest_command(*options):
    plugin = [] if INSTALLED else ["-p", PLUGIN]
    return [sys.executable, "-m", "pytest", "-q", *plugin, *options]


def run_pytest(folder, *options, **environment):
    return subprocess.run(
        pytest_command(*options),
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@contextlib.contextmanager
def started_pytest(folder, *options):
    with (folder / "output").open("w+") as output:
        process = subprocess.Popen(
            pytest_command(*options), cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def passed(folder, tests, *options, **environment):
    """The tests of that file, all of which must pass."""
    (folder / "test_shop.py").write_text(tests)
    done = run_pytest(folder, *options, **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_ten_lines_send_drain_and_assert(project):
    assert len([line for line in TEN_LINES.splitlines() if line]) <= 10
    assert "1 passed" in passed(project, TEN_LINES)


def test_what_a_drain_does_in_two_workers_of_xdist(project):
    assert "9 passed" in passed(project, DRAINED, "-n", "2", "-p", "xdist")


def test_calls_are_held_against_the_grants(project):
    passed(project, GRANTED)


def test_what_is_not_granted_is_told_after_the_tests(project):
    told = passed(project, DRIFT).partition("= grants =")[2].splitlines()[1:]
    assert told[0] == "service 'ungranted' is not granted dynamodb:PutItem on 'orders': declare it in uses"
    assert not any("no test did" in line for line in told)


def test_what_no_test_used_is_listed_on_demand_also_from_two_workers_of_xdist(project):
    told = passed(project, DRIFT, "-p", "xdist", "-n", "2", "--blackcat-grants").splitlines()
    assert "service 'ungranted' is not granted dynamodb:PutItem on 'orders': declare it in uses" in told
    assert [line.partition(",")[0] for line in told if "no test did" in line] == [
        "service 'in_order' is granted to read table 'orders'",
        "service 'in_order' is granted to write to table 'orders'",
        "service 'place_order' is granted to read table 'orders'",
        "service 'place_order' is granted to send to queue 'orders_cmd'",
        "service 'ungranted' is granted to read table 'orders'",
    ]


def test_services_as_processes(project):
    passed(project, PROCESSES)


def test_without_emulator_and_project(tmp_path):
    nowhere = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "PIP_NO_INDEX": "1"}
    passed(tmp_path, ALONE, **nowhere)
    assert not (tmp_path / "cache").exists()


def test_the_plugin_costs_nothing_until_it_is_used(tmp_path):
    passed(tmp_path, UNUSED)


def test_nothing_of_the_environment_leads_to_an_account(project):
    (project / ".env").write_text(
        "AWS_PROFILE=production\nAWS_ENDPOINT_URL_SQS=https://sqs.eu-west-1.amazonaws.com\nAWS_DRY_RUN=true\n"
    )
    leading = {"AWS_ENDPOINT_URL_DYNAMODB": "https://dynamodb.eu-west-1.amazonaws.com", "ENVIRONMENT": "prod"}
    passed(project, TEN_LINES, AWS_SESSION_TOKEN="real", RESOURCE_PREFIX="prod_", **leading)


def test_a_service_that_ends_badly_fails_its_test(project):
    (project / "shop_api.py").write_text(
        API + "\nimport os, signal\nsignal.signal(signal.SIGTERM, lambda *_: os._exit(3))\n"
    )
    (project / "test_shop.py").write_text(
        "def test_api(run_service):\n    run_service('shop_api', API_SERVER='development')\n"
    )
    done = run_pytest(project)
    assert done.returncode == 1
    assert "'shop_api' ended with 3" in done.stdout


def test_a_service_that_crashed_unseen_fails_its_test(project):
    (project / "shop.py").write_text("def count() -> None:\n    raise RuntimeError('lost count')\n")
    (project / "test_shop.py").write_text(
        "def test_it(run_service):\n    run_service('count_orders').wait_for('worker.failed')\n\n"
        "def test_asked(run_service):\n    assert run_service('count_orders').status() == 1\n"
    )
    done = run_pytest(project)
    assert done.returncode == 1
    assert "2 passed, 1 error" in done.stdout
    assert "lost count" in done.stdout


def test_secrets_are_masked_in_whatever_a_report_tells(project):
    (project / "test_shop.py").write_text(MASKED)
    for options in ([], ["-n", "2", "-p", "xdist"]):
        done = run_pytest(project, "-rsx", "--junitxml=junit.xml", *options)
        assert "INTERNALERROR" not in done.stdout
        assert "1 failed, 1 passed, 2 skipped, 1 xfailed" in done.stdout
        told = ["no *** here", "never ***", "not *** yet"]
        assert all(text in done.stdout for text in told)
        assert "test_shop.py:" in done.stdout
        tree = ElementTree.parse(project / "junit.xml")  # noqa: S314 - pytest wrote it
        cases = {case.get("name"): case for case in tree.iter("testcase")}
        assert {p.get("name"): p.get("value") for p in cases["test_property"].iter("property")} == {
            "said": "a ***",
            "count": "1",
        }
        assert cases["test_skipped"].find("skipped").get("message") == "no *** here"
        assert "not *** yet" in cases["test_xfailed"].find("skipped").get("message")
        failure = cases["test_failed"].find("failure").text
        assert "broken ***" in failure
        assert "broken test" not in done.stdout + failure
        assert "warned test" not in done.stdout


def test_a_fixture_aws_of_the_projects_own_is_refused(project):
    (project / "test_shop.py").write_text(ANOTHER_AWS)
    nowhere = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    done = run_pytest(project, **nowhere)
    assert "1 failed, 2 errors" in done.stdout
    assert done.stdout.count("the fixture `aws` gave a str and is not Blackcat's") >= 3


def test_a_container_that_is_built_already(tmp_path):
    passed(tmp_path, CONTAINED)


def test_a_fake_may_fail_the_test_from_within_the_handler(project):
    (project / "test_shop.py").write_text(FAILING_INSIDE)
    done = run_pytest(project)
    assert done.returncode == 1
    assert "Failed: the table must not be touched" in done.stdout


def test_a_secret_without_a_value_is_told_under_its_own_name(project):
    declared = SERVICES.replace("import QueueResource", "import QueueResource, SecretResource")
    declared = declared.replace("orders_cmd.send()]", "orders_cmd.send(), SecretResource('no/dev').read()]")
    (project / "services.py").write_text(declared)
    (project / "test_shop.py").write_text("def test_it(aws):\n    pass\n")
    assert "as SecretResource('no/dev', dev_value=" in run_pytest(project).stdout


@pytest.mark.skipif(sys.platform != "linux", reason="processes are tied to one another on Linux only")
@pytest.mark.parametrize(
    "options",
    [
        pytest.param((), id="alone"),
        pytest.param(("-n", "1", "-p", "xdist"), id="xdist", marks=pytest.mark.long),
    ],
)
@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_outlives_a_pytest_that_is_killed(project, options, sent):
    (project / "test_shop.py").write_text(STAYING)
    running = project / "running"
    with started_pytest(project, *options) as process:
        until(lambda: running.exists() or process.poll() is not None)
        assert process.poll() is None, (project / "output").read_text()
        service, emulator = running.read_text().split()
        process.send_signal(sent)
        process.wait()
    until(lambda: not listens(service) and not listens(emulator))


def listens(url):
    address = urllib.parse.urlsplit(url)
    with socket.socket() as probe:
        return probe.connect_ex((address.hostname, address.port)) == 0


def until(condition):
    deadline = time.monotonic() + 90
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
