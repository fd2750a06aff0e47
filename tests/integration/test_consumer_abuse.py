"""Consumers that are abused: by their handlers, their messages, their settings and their surroundings."""

import importlib.util
import os
import signal
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from blackcat.adapters_aws import AwsOptions, SqsBroker
from blackcat.adapters_aws.clients import client
from tests.integration.conftest import ServiceProcess, until

PROJECT = Path(__file__).with_name("abused")
CONSUMER = [sys.executable, "main.py"]

pytestmark = pytest.mark.usefixtures("provisioned")


class AbusedProcess(ServiceProcess):
    """A service of the abused project, started with any command and any standard output."""

    def __init__(self, command, environment, log, stdout):
        self._log = log
        with log.open("w") as output:
            self.process = subprocess.Popen(
                command,
                cwd=PROJECT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output if stdout is None else stdout,
                stderr=subprocess.STDOUT if stdout is None else output,
                start_new_session=True,
            )


@pytest.fixture(scope="session")
def registry():
    spec = importlib.util.spec_from_file_location("abused_services", PROJECT / "services" / "__init__.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.services


@pytest.fixture
def start(environment, tmp_path):
    started = []

    def start_service(service="abused", *, command=CONSUMER, stdout=None, **changes):
        variables = {**environment, "SHUTDOWN_TIMEOUT_SECONDS": "10", "SERVICE_NAME": service, **changes}
        log = tmp_path / f"{service}-{len(started)}.log"
        started.append(AbusedProcess(command, variables, log, stdout))
        return started[-1]

    yield start_service
    for running in started:
        if not running.ended:
            os.killpg(running.process.pid, signal.SIGKILL)
            running.process.wait()


class Queues:
    """The queue of a service and its dead-letter queue."""

    def __init__(self, broker: SqsBroker, options: AwsOptions, name: str) -> None:
        self._broker = broker
        self._sqs = client("sqs", options)
        self.main = broker.queue(name)
        self.dead_letters = broker.queue(f"{name}_dlq")

    def abuse(self, called, /, *, once=False, **how):
        self.main.send({"abuse": called, "once": once, "how": how})

    def waiting(self):
        return self._broker.depth(self.main.name).waiting

    def total(self):
        return self._broker.depth(self.main.name).total

    def dead(self):
        return self._broker.depth(self.dead_letters.name).total

    def delete(self, queue):
        self._sqs.delete_queue(QueueUrl=self._sqs.get_queue_url(QueueName=queue.name)["QueueUrl"])


@pytest.fixture
def queues(broker, aws_options, unique):
    return Queues(broker, aws_options, f"{unique}_abused_cmd")


@pytest.fixture
def typed(broker, aws_options, unique):
    return Queues(broker, aws_options, f"{unique}_typed_cmd")


def handled_as(process):
    """How often each message was handled."""
    return Counter(line["message_id"] for line in process.events("message.handled"))


# What is declared and set


@pytest.mark.parametrize(
    ("service", "changes", "reason"),
    [
        ("abused", {"CONSUMER_CONCURRENCY": "0"}, "CONSUMER_CONCURRENCY"),
        ("abused", {"CONSUMER_CONCURRENCY": "10000"}, "CONSUMER_CONCURRENCY"),
        ("abused", {"SHUTDOWN_TIMEOUT_SECONDS": "1"}, "CONSUMER_WAIT_SECONDS must be less"),
        ("abused", {"RESOURCE_PREFIX": "odd name/"}, "odd name/abused_cmd"),
        ("hides_nothing", {}, "visibility timeout of 0"),
        ("asynchronous", {}, "write it with 'def'"),
    ],
)
def test_what_cannot_work_ends_the_start_with_its_reason(start, service, changes, reason):
    refused = start(service, **changes)
    assert refused.status() == 78
    assert reason in refused.wait_for("service.not_started")["reason"]


# What a handler does

RETRIED = [
    ("return_coroutine", {}),
    ("return_generator", {}),
    ("return_decision", {}),
    *(
        ("raise_one_of_python", {"name": name})
        for name in ("KeyboardInterrupt", "SystemExit", "GeneratorExit", "StopIteration")
    ),
    ("end_its_thread", {}),
    ("kill_its_thread", {}),
    ("use_too_much_memory", {}),
    ("recurse", {}),
]


def test_a_handler_that_breaks_out_is_a_failed_attempt_and_nothing_more(start, queues):
    for name, how in RETRIED:
        queues.abuse(name, once=True, **how)
    for name in ("return_object", "return_huge_text"):
        queues.abuse(name)
    abused = start()
    abused.wait_for("message.handled", count=len(RETRIED) + 2)
    assert abused.health()[0] == 200
    assert abused.stop() == 0
    assert len(abused.events("message.retried")) == len(RETRIED)
    assert len(abused.events("consumer.stopped", retried=len(RETRIED), rejected=0)) == 1
    assert (queues.total(), queues.dead()) == (0, 0)


@pytest.mark.parametrize("abuse", ["never_return", "never_let_go"])
def test_a_handler_that_never_returns_is_abandoned_and_its_message_given_back(start, queues, abuse):
    queues.abuse(abuse)
    abused = start(SHUTDOWN_TIMEOUT_SECONDS="3")
    abused.wait_for("abuse.began")
    assert abused.stop() == 0
    assert abused.events("messages.abandoned")
    assert queues.waiting() == 1


@pytest.mark.parametrize("name", ["keeper", "acknowledger"])
def test_a_thread_of_ours_that_is_killed_takes_the_process_down_and_loses_nothing(start, queues, name):
    queues.abuse("kill_thread", once=True, name=name)
    queues.abuse("wait", seconds=1)
    abused = start()
    assert abused.status() == 1
    assert abused.events("thread.died", thread=name)
    assert queues.waiting() + len(handled_as(abused)) == 2


def test_a_thread_that_outlives_its_handler_does_not_outlive_the_stop(start, queues):
    queues.abuse("leave_a_thread_behind")
    abused = start(SHUTDOWN_TIMEOUT_SECONDS="3")
    abused.wait_for("message.handled")
    assert abused.stop() == 0
    assert abused.events("thread.left_behind", thread="left behind")
    assert queues.total() == 0


def test_a_forked_child_ends_with_its_handler_and_touches_no_message(start, queues):
    forks = {"fork_and_return": 0, "fork_and_raise": 1, "fork_and_exit": 7}
    for name in forks:
        queues.abuse(name)
    for _ in range(20):
        queues.abuse("wait", seconds=0.05)
    abused = start(CONSUMER_CONCURRENCY="3")
    abused.wait_for("message.handled", count=len(forks) + 20)
    assert abused.stop() == 0
    statuses = sorted(forks.values())
    assert sorted(line["status"] for line in abused.events("fork.ended")) == statuses
    assert sorted(line["status"] for line in abused.events("child.ended")) == statuses
    assert set(handled_as(abused).values()) == {1}
    assert len(abused.events("consumer.stopped", handled=len(forks) + 20, retried=0)) == 1
    assert (queues.total(), queues.dead()) == (0, 0)


@pytest.mark.parametrize(
    "method", ["fork", *(pytest.param(slow, marks=pytest.mark.long) for slow in ("spawn", "forkserver"))]
)
def test_handlers_may_use_processes(start, queues, method):
    queues.abuse("use_processes", method=method)
    queues.abuse("run_a_command")
    abused = start()
    abused.wait_for("message.handled", count=2)
    assert abused.events("pool.answered", result=1)
    assert abused.events("child.ended", status=0)
    assert abused.stop() == 0
    assert not abused.events("fork.ended")


# What a message holds

POISON = {
    "text": "not json",
    "space": "   \n",
    "byte order mark": '\ufeff{"id": 1}',
    "half a surrogate": '{"id": "\\ud800"}',
    "another schema": '{"name": "x"}',
    "not a number": '{"id": NaN}',
    "infinite": '{"id": 1e999}',
    "huge integer": f'{{"id": {"9" * 5000}}}',
    "deep": "[" * 100_000,
    "deep in a field": f'{{"id": 1, "x": {"[" * 100_000}{"]" * 100_000}}}',
    "deep in an event": '{"version": "0", "id": "1", "detail-type": "t", "source": "s", "account": "1", '
    f'"time": "t", "region": "r", "detail": {"[" * 900}{"]" * 900}}}',
    "1 MiB": "x" * 1_048_576,
}


def test_poison_is_dead_lettered_as_it_came_and_good_messages_pass(start, typed):
    for number, body in enumerate(POISON.values()):
        typed.main.send(body)
        typed.main.send({"id": number})
    typed.main.send('{"id": 1, "id": 2}')  # the last of two keys counts, as everywhere in Python
    consumer = start("typed")
    consumer.wait_for("message.rejected", count=len(POISON))
    consumer.wait_for("message.handled", count=len(POISON) + 1)
    assert consumer.health()[0] == 200
    assert consumer.stop() == 0
    assert typed.total() == 0
    letters = {}
    until(
        lambda: (
            letters.update({one.body: one for one in typed.dead_letters.receive()})
            or len(letters) == len(POISON)
        ),
        "all dead letters",
    )
    assert set(letters) == set(POISON.values())
    explained = [one for one in letters.values() if "blackcat.reason" in one.attributes]
    assert len(explained) == len(POISON) - 1  # 1 MiB leaves no room for a reason


def test_a_dead_letter_keeps_ten_attributes_of_its_own(start, typed):
    ten = {f"own_{number}": str(number) for number in range(10)}
    typed.main.send("not json", attributes=ten)
    consumer = start("typed")
    consumer.wait_for("message.rejected")
    assert consumer.stop() == 0
    (letter,) = typed.dead_letters.receive(wait=timedelta(seconds=5))
    assert {name: attribute.value for name, attribute in letter.attributes.items()} == ten


def test_without_the_declared_dead_letter_queue_a_rejected_message_stays(start, typed):
    typed.delete(typed.dead_letters)
    typed.main.send("not json")
    typed.main.send({"id": 1})
    consumer = start("typed")
    consumer.wait_for("message.not_dead_lettered", count=2, aws_error_code="NonExistentQueue")
    consumer.wait_for("message.handled")
    assert consumer.stop() == 0
    assert typed.total() == 1


def test_a_queue_that_gives_one_attempt_only_is_warned_about(start):
    consumer = start("receives_once")
    assert "max_receive_count" in consumer.wait_for("queue.receives_once")["reason"]
    assert consumer.stop() == 0


# What is around the process


def shell(line):
    return ["sh", "-c", line, sys.executable, "main.py"]


@pytest.mark.parametrize(
    ("command", "changes"),
    [
        (CONSUMER, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}),
        (CONSUMER, {"PYTHONOPTIMIZE": "2"}),
        ([sys.executable, "-X", "dev", "-W", "error", "main.py"], {}),
        (shell('exec "$0" "$@" <&-'), {}),
    ],
    ids=["ascii", "optimized", "development mode", "no standard input"],
)
def test_an_unusual_interpreter_changes_nothing(start, queues, command, changes):
    queues.abuse("log_odd_text")
    abused = start(command=command, **changes)
    abused.wait_for("message.handled")
    assert abused.stop() == 0
    assert abused.events("odd.logged", text="é\u20ac\U0001f600\ud800\x00")
    assert all(line.startswith("{") for line in abused.output.splitlines())


@pytest.mark.parametrize("output", [">&-", ">/dev/full 2>&1", ">&- 2>&- <&-"])
def test_logs_that_cannot_be_written_cost_no_message_and_no_clean_exit(start, queues, output):
    for _ in range(5):
        queues.abuse("nothing")
    abused = start(command=shell(f'exec "$0" "$@" {output}'))
    until(lambda: queues.total() == 0, "an empty queue")
    assert abused.stop() == 0
    assert queues.dead() == 0


def test_a_reader_of_the_logs_that_went_away_is_survived(start, queues):
    abused = start(stdout=subprocess.PIPE)
    abused.process.stdout.readline()
    abused.process.stdout.close()
    queues.abuse("log_much", lines=10)
    until(lambda: queues.total() == 0, "an empty queue")
    assert abused.stop() == 0
    assert queues.dead() == 0


def test_a_reader_of_the_logs_that_stalls_holds_up_neither_messages_nor_the_stop(start, queues):
    abused = start(stdout=subprocess.PIPE)
    queues.abuse("log_much", lines=200)  # a pipe takes 64 KiB
    until(lambda: queues.total() == 0, "an empty queue")
    assert abused.stop() == 0
    with abused.process.stdout as logs:
        logged = logs.read().decode()
    assert '"much.logged"' in logged
    assert "consumer.stopped" not in logged


def test_without_descriptors_left_it_waits_for_some(start, queues):
    queues.abuse("use_up_descriptors", seconds=2)
    abused = start(command=shell('ulimit -n 40; exec "$0" "$@"'))
    abused.wait_for("abuse.began")
    for _ in range(5):
        queues.abuse("nothing")
    abused.wait_for("message.handled", count=6)
    until(lambda: queues.total() == 0, "an empty queue")
    assert abused.health()[0] == 200
    assert abused.stop() == 0


def test_a_thousand_handlers_at_once_start_and_stop(start, queues):
    for _ in range(20):
        queues.abuse("nothing")
    abused = start(CONSUMER_CONCURRENCY="1000")
    abused.wait_for("message.handled", count=20)
    assert abused.stop() == 0
    assert queues.total() == 0
