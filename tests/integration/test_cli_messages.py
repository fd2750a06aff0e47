"""send, publish, invoke and dlq as a user runs them: as processes, on the AWS protocol."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import threading
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from blackcat import Attribute, Message
from blackcat.adapters_aws import DynamoTable, Provisioner
from blackcat.application.clock import SystemClock
from blackcat.application.consumer.dead_letters import dead_letter_copy
from blackcat.application.lock import TableLock
from blackcat.application.redrive.sweep import HOLD
from blackcat.domain.outcome import Rejected
from blackcat.domain.outgoing import OutgoingMessage
from blackcat.infra.emulator import REGION
from blackcat.infra.project.dev_session import DevSession, only_dev_of, write_session
from blackcat.resources import QueueResource, TableResource, TopicResource, with_prefix
from tests.integration.conftest import until

PATIENCE_SECONDS = 60

SERVICES = """
from blackcat import Service, ServiceRegistry, ServiceType
from blackcat.resources import QueueResource, TopicResource

placed = TopicResource("placed")
services = ServiceRegistry(
    [
        Service(
            name="orders",
            type=ServiceType.CONSUMER,
            entrypoint="handlers:handle",
            queue_name="orders_cmd",
            subscribes=[placed],
        ),
        Service(
            name="in_order",
            type=ServiceType.CONSUMER,
            entrypoint="handlers:handle",
            queue_name="in_order.fifo",
        ),
        Service(
            name="undeclared", type=ServiceType.CONSUMER, entrypoint="no:where", queue_name="nowhere_cmd"
        ),
        Service(name="job", type=ServiceType.WORKER, entrypoint="handlers:job"),
        Service(name="failing_job", type=ServiceType.WORKER, entrypoint="handlers:failing_job"),
        Service(name="alone", type=ServiceType.WORKER, entrypoint="handlers:job", exclusive=True),
        Service(name="api", type=ServiceType.REST_API, endpoint_module="api"),
    ]
)
"""
HANDLERS = """
from dataclasses import dataclass
from datetime import timedelta

from blackcat import Message, Reject, Retry


@dataclass
class Order:
    id: int
    then: str = ""


def handle(order: Order, message: Message) -> None:
    print("printed by the handler")
    assert message.lease.held
    if order.then == "reject":
        raise Reject(f"order {order.id} is refused")
    if order.then == "retry":
        raise Retry("not yet", after=timedelta(seconds=90))
    if order.then == "fail":
        raise ValueError("the password=hunter2-and-more is wrong")
    if order.then == "attributes":
        raise Reject(",".join(sorted(message.attributes)) + str(message.receive_count))


def job() -> None:
    print("printed by the job")


def failing_job() -> None:
    raise ValueError("nothing to do")
"""
API = """
from flask import Blueprint, request

blueprint = Blueprint("orders", __name__)


@blueprint.post("/orders")
def place():
    return {"got": request.get_json()}, 201


@blueprint.get("/orders/<id>")
def show(id):
    return {"problem": "none"}, 404
"""


@pytest.fixture
def project(tmp_path):
    root = tmp_path / "shop"
    (root / "services").mkdir(parents=True)
    (root / "services" / "__init__.py").write_text(SERVICES)
    (root / "handlers.py").write_text(HANDLERS)
    (root / "api.py").write_text(API)
    return root


class Cli:
    """The command line in a project, with an environment."""

    def __init__(self, project, environment):
        self.project = project
        self.environment = environment

    def start(self, *arguments, **options):
        changes = options.pop("environment", {})
        variables = {**self.environment, **changes}
        return subprocess.Popen(
            [sys.executable, "-m", "blackcat", *map(str, arguments)],
            cwd=options.pop("cwd", self.project),
            env={name: value for name, value in variables.items() if value is not None},
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **options},
        )

    def __call__(self, *arguments, status=0, input="", cwd=None, **environment):
        process = self.start(
            *arguments, environment=environment, cwd=cwd or self.project, stdin=subprocess.PIPE
        )
        process.stdout_text, process.stderr_text = process.communicate(input, PATIENCE_SECONDS)
        assert process.returncode == status, process.stdout_text + process.stderr_text
        return process

    def json(self, *arguments, **named):
        return json.loads(self(*arguments, "--json", **named).stdout_text)


@pytest.fixture
def cli(project, environment):
    return Cli(project, environment)


@pytest.fixture
def provisioner(aws_options, unique):
    return Provisioner(aws_options, prefix=f"{unique}_")


@pytest.fixture
def orders(provisioner, broker, unique):
    """The queue of the consumer 'orders'."""
    provisioner.create(QueueResource("orders_cmd", max_receive_count=4))
    return broker.queue(f"{unique}_orders_cmd")


@pytest.fixture
def letters(orders, broker):
    """Its dead-letter queue."""
    return broker.queue(f"{orders.name}_dlq")


def bodies(queue):
    """All that the queue gives now; it is deleted."""
    found = []
    while received := queue.receive():
        found += [message.body for message in received]
        queue.delete([message.receipt for message in received])
    return found


def dead_letter(queue, body, reason, *, group=None):
    """What a consumer leaves there when it rejects a message."""
    message = Message(
        id=f"first-{body}", body=body, group_id=group, receive_count=2, attributes={"kind": Attribute("card")}
    )
    if group:
        message = Message(id=message.id, body=body, group_id=group, deduplication_id="spent", receive_count=2)
    outcome = Rejected(reason, ValueError(reason))
    copy = dead_letter_copy(message, outcome, service="orders", version="1.2", redact=str)
    queue.send_batch([copy]).raise_for_failure(queue.name)


def fill(queue, count):
    queue.send_batch([OutgoingMessage(f"m{number}") for number in range(count)]).raise_for_failure(queue.name)


@pytest.mark.long  # half a minute; the unit tests kill it at every call
def test_kill_9_in_the_middle_of_a_redrive_loses_nothing(cli, provisioner, broker, unique):
    """Killed at several points. What was held is waited for: first of all, so that others run meanwhile."""
    count, points = 200, (1, 31, 71, 111, 151)

    def kill_at(point):
        name = f"killed{point}"
        provisioner.create(QueueResource(name))
        # As SQS's own default: what a killed run held comes back after it.
        provisioner.create(QueueResource(f"{name}_dlq", max_receive_count=None, visibility_timeout=HOLD))
        source, letters = broker.queue(f"{unique}_{name}"), broker.queue(f"{unique}_{name}_dlq")
        fill(letters, count)
        arguments = ("dlq", "redrive", "--queue", f"{name}_dlq", "--to", name, "--rate", "500/s", "--yes")
        with cli.start(*arguments, "--mover", "blackcat") as redrive:
            until(lambda: broker.depth(source.name).total >= point, f"{point} messages to go back")
            redrive.send_signal(signal.SIGKILL)
        return source, letters

    with ThreadPoolExecutor(len(points)) as pool:
        killed = list(pool.map(kill_at, points))
    found = [Counter(bodies(source)) for source, _ in killed]
    until(lambda: not any(broker.depth(letters.name).in_flight for _, letters in killed), "held messages")
    sizes = set()
    for (_, letters), back in zip(killed, found, strict=True):
        left = bodies(letters)
        sizes.add(len(left))
        assert set(left) | set(back) == {f"m{number}" for number in range(count)}
        # What a batch has sent but not deleted is there twice.
        assert len(left) + sum(back.values()) <= count + 10
    assert len(sizes) > 1  # they were killed at different points


# --- send


def test_send_prints_the_id_and_says_where_it_went(cli, orders, emulator):
    done = cli("send", "orders_cmd", '{"id": 1}', "-a", "kind=card", "--attribute", "size:Number=3")
    (message,) = orders.receive()
    assert done.stdout_text == f"{message.id}\n"
    assert done.stderr_text == f"sent 1 message to {orders.name} at {emulator.url}\n"
    assert message.body == '{"id": 1}'
    assert message.attributes == {"kind": Attribute("card"), "size": Attribute("3", "Number")}


def test_a_body_comes_from_a_file_of_the_working_directory_or_from_standard_input(cli, orders, project):
    folder = project / "handed"
    folder.mkdir()
    (folder / "order.json").write_text('{\n  "id": "é"\n}\n', encoding="utf-8")
    cli("send", "orders_cmd", "@order.json", cwd=folder)
    cli("send", "orders_cmd", "-", input="[2]\n")
    assert sorted(bodies(orders)) == ["[2]", '{\n  "id": "é"\n}']
    assert "cannot be read" in cli("send", "orders_cmd", "@none.json", status=2).stderr_text


def test_a_body_that_is_not_json_is_refused_unless_it_is_raw(cli, orders):
    refused = cli("send", "orders_cmd", "{id: 1}", status=2)
    assert "not JSON" in refused.stderr_text
    assert "--raw" in refused.stderr_text
    cli("send", "orders_cmd", "{id: 1}", "--raw", "--count", 3)
    assert bodies(orders) == ["{id: 1}"] * 3


def test_a_delay_keeps_a_message_back(cli, orders, broker):
    cli("send", "orders_cmd", "{}", "--delay", "5m")
    assert broker.depth(orders.name).delayed == 1
    assert "lie between" in cli("send", "orders_cmd", "{}", "--delay", "16m", status=1).stderr_text


def test_an_unknown_queue_brings_the_nearest_names(cli, orders, unique):
    missing = cli("send", "order_cmd", "{}", status=1)
    assert f"there is no queue '{unique}_order_cmd'" in missing.stderr_text
    assert f"did you mean '{unique}_orders_cmd'" in missing.stderr_text
    assert "nothing has created it" in cli("send", "nowhere_cmd", "{}", status=1).stderr_text


def test_a_fifo_queue_names_what_it_needs(cli, provisioner, broker, unique):
    provisioner.create(QueueResource("in_order.fifo"))
    queue = broker.queue(f"{unique}_in_order.fifo")
    assert "give --group" in cli("send", "in_order.fifo", "{}", status=2).stderr_text
    assert "--deduplication-id" in cli("send", "in_order.fifo", "{}", "--group", "g", status=1).stderr_text
    cli("send", "in_order.fifo", "{}", "--group", "g", "--deduplication-id", "d", "--count", 3)
    assert (
        "2 more were duplicates"
        not in cli("send", "in_order.fifo", "[]", "--group", "g", "--deduplication-id", "e").stderr_text
    )
    again = cli(
        "send", "in_order.fifo", "-", "--lines", "--group", "g", "--deduplication-id", "d", input="{}\n[1]\n"
    )
    assert "sent 2 messages" in again.stderr_text
    assert bodies(queue) == ["{}", "{}", "{}", "[]"]


def test_every_line_is_a_message_and_those_not_sent_are_given_back(cli, orders, project):
    text = "\n".join([*(json.dumps({"id": number}) for number in range(12)), "", "{broken", '{"id": 12}'])
    done = cli("send", "orders_cmd", "-", "--lines", "--failed", "left.txt", input=text, status=1)
    assert len(done.stdout_text.split()) == 13
    assert "line 14 was not sent: it is not JSON" in done.stderr_text
    assert (project / "left.txt").read_text() == "{broken\n"
    assert sorted(json.loads(body)["id"] for body in bodies(orders)) == list(range(13))


def test_lines_that_were_not_sent_are_on_stderr_without_a_file(cli, orders):
    report = cli.json("send", "orders_cmd", "-", "--lines", input="[1]\nx y\n", status=1)
    assert [one["line"] for one in report["sent"]] == [1]
    assert [one["line"] for one in report["unsent"]] == [2]
    assert "\nx y\n" in cli("send", "orders_cmd", "-", "--lines", input="[1]\nx y\n", status=1).stderr_text


def test_a_dry_run_says_that_nothing_was_sent(cli, orders, broker):
    assert "nothing was sent" in cli("send", "orders_cmd", "{}", AWS_DRY_RUN="true").stderr_text
    assert broker.depth(orders.name).total == 0


# --- publish


def test_publish_reaches_the_subscribed_queue(cli, orders, provisioner, emulator, unique):
    provisioner.create(TopicResource("placed"))
    provisioner.subscribe(QueueResource("orders_cmd"), [TopicResource("placed").subscription()])
    done = cli("publish", "placed", '{"id": 1}', "-a", "kind=card")
    assert done.stderr_text == f"sent 1 message to {unique}_placed at {emulator.url}\n"
    (body,) = bodies(orders)
    assert json.loads(body)["Message"] == '{"id": 1}'
    assert json.loads(body)["MessageAttributes"] == {"kind": {"Type": "String", "Value": "card"}}


def test_an_unknown_topic_brings_the_nearest_names(cli, provisioner, unique):
    provisioner.create(TopicResource("placed"))
    missing = cli("publish", "place", "{}", status=1)
    assert f"there is no topic '{unique}_place'" in missing.stderr_text
    assert f"did you mean '{unique}_placed'?" in missing.stderr_text


# --- where it goes


@pytest.fixture
def dev(project, emulator) -> Iterator[None]:
    """A running `blackcat dev`, as other commands see it."""
    with only_dev_of(project):
        write_session(project, DevSession(pid=os.getpid(), endpoint_url=emulator.url, region=REGION))
        yield


@pytest.mark.usefixtures("dev")
def test_a_running_dev_is_found_without_any_setting(cli, orders, emulator, project):
    (project / ".env").write_text("AWS_ENDPOINT_URL=http://127.0.0.1:9\n")
    without = dict.fromkeys(name for name in cli.environment if name.startswith("AWS_"))
    profile = {"AWS_PROFILE": "none-of-that-name", "AWS_SESSION_TOKEN": "real"}
    done = cli("send", "orders_cmd", "{}", **{**without, **profile})
    assert emulator.url in done.stderr_text
    assert bodies(orders) == ["{}"]


@pytest.mark.usefixtures("dev")
def test_an_address_in_the_environment_goes_before_a_running_dev(cli):
    refused = cli("send", "orders_cmd", "{}", status=1, AWS_ENDPOINT_URL="http://127.0.0.1:9")
    assert "127.0.0.1:9" in refused.stderr_text


def test_a_dev_that_has_ended_is_not_taken_for_a_running_one(cli, project, emulator):
    with only_dev_of(project):
        write_session(project, DevSession(pid=1, endpoint_url=emulator.url, region=REGION))
    missing = dict.fromkeys(("AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION"))
    (project / ".env").write_text("AWS_ENDPOINT_URL=http://127.0.0.1:9\nAWS_REGION=us-east-1\n")
    refused = cli("send", "orders_cmd", "{}", status=1, **missing)
    assert "127.0.0.1:9" in refused.stderr_text


def test_outside_a_project_the_way_into_one_is_told(cli, tmp_path):
    assert "no Blackcat project" in cli("send", "q", "{}", cwd=tmp_path, status=78).stderr_text


# --- invoke


def test_invoke_prints_the_outcome_and_nothing_else(cli, emulator):
    done = cli("invoke", "orders", '{"id": 1}')
    assert done.stdout_text == "handled\n"
    assert "printed by the handler" in done.stderr_text
    assert '"event": "message.handled"' in done.stderr_text
    assert emulator.url in done.stderr_text


def test_invoke_takes_off_envelopes_as_a_consumer_does(cli):
    notification = {"Type": "Notification", "MessageId": "m", "TopicArn": "t", "Timestamp": "now"}
    cli("invoke", "orders", "-", input=json.dumps({**notification, "Message": '{"id": 1}'}))


def test_a_rejected_body_names_its_fields(cli):
    done = cli("invoke", "orders", '{"id": "x"}', status=1)
    assert done.stdout_text.startswith(
        "rejected: the body cannot be decoded\n  id: Input should be a valid integer"
    )
    assert cli.json("invoke", "orders", "{}", status=1)["fields"] == {"id": "Field required"}


def test_a_retry_tells_its_reason_and_its_delay_and_no_secret(cli):
    done = cli("invoke", "orders", '{"id": 1, "then": "retry"}', status=1)
    assert done.stdout_text == "retried: not yet\n  a consumer would see it again after 90 seconds\n"
    failed = cli("invoke", "orders", '{"id": 1, "then": "fail"}', status=1)
    assert failed.stdout_text == "retried: ValueError: the password=*** is wrong\n"
    assert "hunter2" not in failed.stderr_text
    assert "handlers.py" in failed.stderr_text


def test_a_worker_runs_once(cli):
    assert cli("invoke", "job").stdout_text == "handled\n"
    assert cli("invoke", "failing_job", status=1).stdout_text == "retried: ValueError: nothing to do\n"
    assert "takes no BODY" in cli("invoke", "job", "{}", status=2).stderr_text


def test_a_worker_whose_lock_is_held_is_skipped(cli, provisioner, aws_options, unique):
    locks = TableResource("alone_lock", key="name")
    provisioner.create(locks)
    table = DynamoTable(with_prefix(locks, f"{unique}_"), aws_options)
    lock = TableLock(table=table, name="alone", holder="web-1", lease=timedelta(hours=1), clock=SystemClock())
    lease = lock.acquire(lambda _: True)
    skipped = cli("invoke", "alone", status=75).stdout_text
    assert skipped.startswith("skipped: web-1 holds the lock until ")
    assert cli.json("invoke", "alone", status=75)["outcome"] == "skipped"
    lease.release(succeeded=False)
    assert cli("invoke", "alone").stdout_text == "handled\n"


def test_an_api_answers_one_request(cli):
    done = cli("invoke", "api", "POST /orders", '{"id": 1}')
    assert json.loads(done.stdout_text) == {"got": {"id": 1}}
    assert "HTTP 201" in done.stderr_text
    assert cli.json("invoke", "api", "get /orders/7", status=1)["status"] == 404
    assert "needs a request" in cli("invoke", "api", status=2).stderr_text


def test_a_service_that_cannot_start_ends_with_78(cli):
    assert "No module named 'no'" in cli("invoke", "undeclared", "{}", status=78).stderr_text
    assert "did you mean 'orders'?" in cli("invoke", "order", "{}", status=78).stderr_text


# --- dlq


@pytest.fixture
def three(letters):
    """Two dead letters of one reason, and one of another."""
    dead_letter(letters, '{"id": 1}', "no customer 123456")
    dead_letter(letters, '{"id": 2}', "no customer 654321")
    dead_letter(letters, '{"id": 3, "then": "attributes"}', "HTTP 500\x1b[31m")


def ids(cli, *arguments):
    found = cli.json("dlq", "peek", *arguments)
    return [one["id"] for group in found["reasons"] for one in group["messages"]]


@pytest.mark.usefixtures("three")
def test_list_counts_every_consumers_dead_letters(cli, letters, broker):
    listed = cli.json("dlq", "list")
    by_service = {row["service"]: row for row in listed}
    assert by_service["orders"]["messages"] == 3
    assert by_service["orders"]["reason"] == "no customer … (ValueError)"
    assert "there is no queue" in by_service["undeclared"]["problem"]
    table = cli("dlq", "list").stdout_text
    assert [line.split()[:3] for line in table.splitlines() if line.startswith("orders")] == [
        ["orders", letters.name, "3"]
    ]
    assert broker.depth(letters.name).waiting == 3


@pytest.mark.usefixtures("three")
def test_list_of_a_service_groups_by_reason(cli, letters, broker):
    done = cli("dlq", "list", "orders")
    assert [line.split()[0] for line in done.stdout_text.splitlines()[1:]] == ["2", "1"]
    assert "no customer … (ValueError)" in done.stdout_text
    assert "\x1b[31m" not in done.stdout_text
    assert f"3 messages in {letters.name}" in done.stderr_text
    assert broker.depth(letters.name).waiting == 3


@pytest.mark.usefixtures("three")
def test_peek_filters_and_shows_no_body(cli):
    assert len(ids(cli, "orders", "--reason", "NO CUSTOMER")) == 2
    assert len(ids(cli, "orders", "--body", '"id": 3')) == 1
    assert len(ids(cli, "orders", "--older-than", "1h")) == 0
    limited = cli("dlq", "peek", "orders", "--limit", 1)
    assert "about 2 more were not looked at" in limited.stderr_text
    assert '"id"' not in cli("dlq", "peek", "orders").stdout_text


@pytest.mark.usefixtures("three")
def test_show_gives_all_of_a_message(cli):
    (found,) = ids(cli, "orders", "--body", "3")
    done = cli("dlq", "show", "orders", found[:8])
    assert '"then": "attributes"' in done.stdout_text
    assert "kind (String) = card" in done.stdout_text
    assert "blackcat.reason" not in done.stdout_text
    assert cli.json("dlq", "show", "orders", found)["attributes"]["blackcat.attempts"]["value"] == "2"
    assert "no message 'zzz'" in cli("dlq", "show", "orders", "zzz", status=1).stderr_text


@pytest.mark.usefixtures("three")
def test_replay_runs_a_message_here_and_leaves_it_there(cli, letters, broker):
    (found,) = ids(cli, "orders", "--body", "3")
    done = cli("dlq", "replay", "--local", "orders", found, status=1)
    # The handler sees the sender's attributes alone, and the first receive.
    assert done.stdout_text == "rejected: kind1\n"
    assert broker.depth(letters.name).waiting == 3
    assert "add --local" in cli("dlq", "replay", "orders", found, status=2).stderr_text


@pytest.mark.usefixtures("three")
def test_redrive_shows_and_with_yes_sends_back_what_is_wanted(cli, orders, letters, broker):
    shown = cli("dlq", "redrive", "orders", "--reason", "customer")
    assert "2 messages would go back" in shown.stderr_text
    assert broker.depth(orders.name).total == 0
    done = cli("dlq", "redrive", "orders", "--reason", "customer", "--yes")
    assert done.stdout_text == f"2 redriven to {orders.name}\n"
    assert "redriving" not in done.stderr_text
    received = orders.receive()
    assert sorted(message.body for message in received) == ['{"id": 1}', '{"id": 2}']
    assert all(message.attributes == {"kind": Attribute("card")} for message in received)
    assert len(bodies(letters)) == 1


@pytest.mark.usefixtures("three")
def test_redrive_of_all_falls_back_where_sqs_cannot_move_and_elsewhere_with_to(
    cli, orders, letters, provisioner
):
    report = cli.json("dlq", "redrive", "orders", "--yes", "--limit", 1, "--rate", "60/m")
    assert (report["done"], report["left"]) == (1, 2)
    provisioner.create(QueueResource("elsewhere"))
    assert "say with --to" in cli("dlq", "redrive", "--queue", "elsewhere", status=2).stderr_text
    assert cli.json("dlq", "redrive", "orders", "--yes")["done"] == 2
    assert len(bodies(orders)) == 3
    refused = cli("dlq", "redrive", "orders", "--mover", "sqs", "--yes", status=1)
    assert "StartMessageMoveTask" in refused.stderr_text


def test_what_sqs_moved_itself_is_grouped_and_redriven_too(cli, provisioner, orders, letters):
    orders.send({"id": 9})
    for _ in range(4):
        orders.release([message.receipt for message in orders.receive()])
    assert orders.receive() == []
    (group,) = cli.json("dlq", "list", "orders")["reasons"]
    assert "moved by the queue itself" in group["reason"]
    assert cli("dlq", "list", "orders").stdout_text.splitlines()[1].split()[3] == "4"
    assert cli.json("dlq", "redrive", "orders", "--reason", "moved by the queue", "--yes")["done"] == 1
    assert bodies(orders) == ['{"id":9}']


def test_fifo_dead_letters_go_back_in_their_groups(cli, provisioner, broker, unique):
    provisioner.create(QueueResource("in_order.fifo"))
    queue, letters = broker.queue(f"{unique}_in_order.fifo"), broker.queue(f"{unique}_in_order_dlq.fifo")
    for number in range(12):
        dead_letter(letters, f"[{number}]", "no", group="g")
    assert "FIFO shows the first ten" in cli("dlq", "peek", "in_order").stderr_text
    assert cli.json("dlq", "redrive", "in_order", "--rate", "100/s", "--yes")["done"] == 12
    received = [*queue.receive(), *queue.receive()]
    assert {message.group_id for message in received} == {"g"}
    queue.delete([message.receipt for message in received])
    assert [message.body for message in received] + bodies(queue) == [f"[{number}]" for number in range(12)]


@pytest.mark.usefixtures("three")
def test_purge_shows_saves_and_deletes_what_is_wanted(cli, letters, broker, project):
    assert "add --yes" in cli("dlq", "purge", "orders").stderr_text
    assert broker.depth(letters.name).total == 3
    saved = project / "saved.jsonl"
    done = cli("dlq", "purge", "orders", "--reason", "customer", "--save", "saved.jsonl", "--yes")
    assert done.stdout_text == "2 purged\n"
    lines = [json.loads(line) for line in saved.read_text().splitlines()]
    assert sorted(line["body"] for line in lines) == ['{"id": 1}', '{"id": 2}']
    assert (
        "cannot be written" in cli("dlq", "purge", "orders", "--save", "no/x", "--yes", status=2).stderr_text
    )
    assert broker.depth(letters.name).waiting == 1
    assert cli("dlq", "purge", "orders", "--yes").stdout_text == "about 1 purged\n"
    assert broker.depth(letters.name).total == 0


def test_dlq_refuses_what_it_could_not_do_well(cli, orders):
    assert "AWS_DRY_RUN" in cli("dlq", "peek", "orders", AWS_DRY_RUN="true", status=78).stderr_text
    assert "consumers have dead-letter queues" in cli("dlq", "peek", "api", status=78).stderr_text
    assert "name a consumer" in cli("dlq", "peek", status=2).stderr_text
    assert "has a dead-letter queue itself" in cli("dlq", "peek", "--queue", "orders_cmd").stderr_text


# --- interrupted


def test_ctrl_c_ends_after_the_batch_and_gives_the_rest_back(cli, orders, letters, broker):
    fill(letters, 30)
    redrive = cli.start("dlq", "redrive", "orders", "--rate", "2/s", "--mover", "blackcat", "--yes", "--json")
    until(lambda: broker.depth(orders.name).total, "a message to go back")
    redrive.send_signal(signal.SIGINT)
    out, err = redrive.communicate(timeout=PATIENCE_SECONDS)
    report = json.loads(out)
    assert redrive.returncode == 130
    assert report["interrupted"]
    assert "Ctrl-C again ends at once" in err
    assert broker.depth(letters.name).waiting == 30 - report["done"]
    assert len(bodies(orders)) == report["done"]


def test_ctrl_c_in_a_look_gives_everything_back(cli, letters, broker):
    fill(letters, 500)
    peek = cli.start("dlq", "peek", "orders")
    until(lambda: broker.depth(letters.name).in_flight or peek.poll() is not None, "a look")
    peek.send_signal(signal.SIGINT)
    peek.communicate(timeout=PATIENCE_SECONDS)
    assert peek.returncode in (0, 130)  # it may just have ended
    assert broker.depth(letters.name).waiting == 500


def test_on_a_terminal_a_bar_shows_the_progress(cli, orders, letters):
    fill(letters, 12)
    terminal, theirs = pty.openpty()
    redrive = cli.start(
        "dlq",
        "redrive",
        "orders",
        "--rate",
        "100/s",
        "--yes",
        stderr=theirs,
        environment={"TERM": "xterm"},
    )
    os.close(theirs)
    shown = bytearray()
    try:
        while piece := os.read(terminal, 4096):
            shown += piece
    except OSError:  # how Linux tells that the other side was closed
        pass
    finally:
        os.close(terminal)
    out, _ = redrive.communicate(timeout=PATIENCE_SECONDS)
    assert out == f"12 redriven to {orders.name}\n"
    assert b"redriving" in shown
    assert b"12/12" in shown


# --- SQS's own move, which no emulator has


class MovingProxy(ThreadingHTTPServer):
    """The emulator, with StartMessageMoveTask and ListMessageMoveTasks in front of it."""

    daemon_threads = True

    def __init__(self, url, broker):
        super().__init__(("127.0.0.1", 0), _Moving)
        self.url = url
        self.broker = broker
        self.started = []
        self.looks = 0

    def move(self, request):
        self.started.append(request)
        name, target = (request[key].rpartition(":")[2] for key in ("SourceArn", "DestinationArn"))
        letters = self.broker.queue(name)
        while received := letters.receive():
            for message in received:
                self.broker.queue(target).send(message.body)
            letters.delete([message.receipt for message in received])
        return {"TaskHandle": "task-1"}

    def tasks(self, _):
        self.looks += 1
        status = "RUNNING" if self.looks == 1 else "COMPLETED"
        return {"Results": [{"Status": status, "ApproximateNumberOfMessagesMoved": self.looks}]}


class _Moving(BaseHTTPRequestHandler):
    server: MovingProxy

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        target = self.headers.get("X-Amz-Target", "")
        answers = {
            "AmazonSQS.StartMessageMoveTask": self.server.move,
            "AmazonSQS.ListMessageMoveTasks": self.server.tasks,
        }
        if target in answers:
            self._answer(
                200, "application/x-amz-json-1.0", json.dumps(answers[target](json.loads(body))).encode()
            )
            return
        headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
        request = urllib.request.Request(self.server.url + self.path, data=body, headers=headers)
        with urllib.request.urlopen(request) as reply:
            self._answer(reply.status, reply.headers["Content-Type"], reply.read())

    def _answer(self, status, kind, body):
        self.send_response(status)
        for name, value in (("Content-Type", kind), ("Content-Length", len(body)), ("x-amzn-RequestId", "r")):
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Nothing on the tests' own output."""


@pytest.fixture
def moving(emulator, broker):
    with MovingProxy(emulator.url, broker) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_where_sqs_moves_messages_itself_it_is_asked_to(cli, orders, letters, moving):
    fill(letters, 2)
    address = f"http://127.0.0.1:{moving.server_address[1]}"
    done = cli("dlq", "redrive", "orders", "--rate", "7/s", "--yes", AWS_ENDPOINT_URL=address)
    assert done.stdout_text == f"2 redriven to {orders.name} by SQS: completed\n"
    assert moving.started[0]["MaxNumberOfMessagesPerSecond"] == 7
    assert sorted(bodies(orders)) == ["m0", "m1"]


@pytest.mark.parametrize(
    "choice", [("--reason", "moved"), ("--limit", "5"), ("--mover", "blackcat"), ("--rate", "30/m")]
)
def test_a_part_of_a_queue_is_never_left_to_sqs(cli, letters, moving, choice):
    fill(letters, 1)
    address = f"http://127.0.0.1:{moving.server_address[1]}"
    assert cli.json("dlq", "redrive", "orders", *choice, "--yes", AWS_ENDPOINT_URL=address)["done"] == 1
    assert moving.started == []
