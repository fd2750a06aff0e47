"""``blackcat dev`` as its users run it: a process in a terminal, real services, real edits."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from blackcat.adapters_aws import AwsOptions, SqsBroker
from blackcat.application.ports import Queue
from blackcat.infra.emulator import Emulator
from blackcat.infra.project.dev_session import DevSession, find_session
from tests.integration.conftest import PATIENCE_SECONDS, until

PROJECT = Path(__file__).with_name("dev_project")


class Dev:
    """A ``blackcat dev`` in a project of its own."""

    def __init__(self, project: Path, arguments: tuple[str, ...], environment: dict[str, str]) -> None:
        self.project = project
        self._output = project.parent / f"{project.name}.log"
        self._stderr = project.parent / f"{project.name}.err"
        with self._output.open("w") as output, self._stderr.open("w") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "blackcat", "dev", *arguments],
                cwd=project,
                env=environment,
                stdout=output,
                stderr=errors,
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        return self._output.read_text()

    @property
    def errors(self) -> str:
        return self._stderr.read_text()

    def wait_for(self, text: str, *, count: int = 1) -> None:
        with contextlib.suppress(AssertionError):
            until(lambda: self.output.count(text) >= count or self.process.poll() is not None, text)
        assert self.output.count(text) >= count, f"no {count} x {text!r} in\n{self}"

    def session(self) -> DevSession:
        session = find_session(self.project)
        assert session, f"no session of\n{self}"
        return session

    def edit(self, file: str, before: str, after: str) -> None:
        path = self.project / file
        text = path.read_text()
        assert before in text
        path.write_text(text.replace(before, after))

    def handled(self) -> list[tuple[int, str]]:
        return [
            (int(number), version) for number, version in re.findall(r"handled (\d+) (\w+)\.", self.output)
        ]

    def stop(self, number: int = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_SECONDS)

    def __str__(self) -> str:
        return f"{self.output}\n{self.errors}"


def descendants(pid: int) -> list[int]:
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True)
    rows = [tuple(map(int, line.split())) for line in listed.stdout.splitlines()]
    children = [child for child, parent in rows if parent == pid]
    return [*children, *(below for child in children for below in descendants(child))]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def command_line(pid: int) -> str:
    return subprocess.run(["ps", "-o", "args=", "-p", str(pid)], capture_output=True, text=True).stdout


def has_ended(pid: int) -> bool:
    """Also if nobody asked for its status: that is up to init then."""
    return command_line(pid).strip() == "" or "<defunct>" in command_line(pid)


def kill_all(pids: list[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@pytest.fixture
def own_environment() -> dict[str, str]:
    """What a developer's shell has, and free ports, since tests run at once."""
    shell = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ}
    return {**shell, "PORT": "0"}


@pytest.fixture
def shared_environment(own_environment: dict[str, str], emulator: Emulator, unique: str) -> dict[str, str]:
    """Leads to the emulator of all tests, which starts faster than one's own."""
    return {**own_environment, "AWS_ENDPOINT_URL": emulator.url, "RESOURCE_PREFIX": f"{unique}_"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return Path(shutil.copytree(PROJECT, tmp_path / "shop", ignore=shutil.ignore_patterns("__pycache__")))


@pytest.fixture
def dev(project: Path) -> Iterator[Callable[..., Dev]]:
    """Start ``blackcat dev``; whatever still runs at the end of the test is killed."""
    started: list[Dev] = []

    def start(*arguments: str, environment: dict[str, str]) -> Dev:
        started.append(Dev(project, arguments, environment))
        return started[-1]

    yield start
    for running in started:
        if running.process.poll() is None:
            kill_all([*descendants(running.process.pid), running.process.pid])
            running.process.wait()


@pytest.fixture
def orders(aws_options: AwsOptions, unique: str) -> Queue:
    return SqsBroker(aws_options).queue(f"{unique}_orders_cmd")


@pytest.fixture(autouse=True)
def credentials(emulator: Emulator) -> None:
    """For the messages that the tests send; the emulator of all tests sets them."""


def queue_of(session: DevSession) -> Queue:
    return SqsBroker(AwsOptions(region=session.region, endpoint_url=session.endpoint_url)).queue("orders_cmd")


def test_a_whole_project_runs_and_stops_without_leaving_anything(
    dev: Callable[..., Dev], own_environment: dict[str, str]
) -> None:
    running = dev(environment=own_environment)
    running.wait_for("api.listening")
    running.wait_for("stocktaking: done after")
    session = running.session()
    queue_of(session).send({"id": 7})
    running.wait_for("handled 7 v1.")
    assert session.services["shop_api"]
    with urlopen(f"{session.services['shop_api']}/stock") as answer:
        assert answer.read() == b'{"cats":9}\n'
    until(lambda: urlopen(str(session.services["orders"])).status == 200, "a healthy consumer")
    assert session.services["stocktaking"] is None
    doctor = [sys.executable, "-m", "blackcat", "doctor", "--aws"]
    found = subprocess.run(doctor, cwd=running.project, env=own_environment, capture_output=True, text=True)
    assert f"looking at {session.endpoint_url}" in found.stderr
    assert found.returncode == 0, found.stdout
    for address in (session.endpoint_url, session.services["shop_api"], session.services["orders"]):
        assert str(address) in running.output
    processes = descendants(running.process.pid)
    assert len(processes) >= 4  # the emulator, the consumer, the API and its worker
    assert running.stop() == 0
    assert [pid for pid in processes if alive(pid)] == []
    assert find_session(running.project) is None
    assert "\x1b" not in running.output
    assert not (running.project / ".blackcat" / "dev.json").exists()


def test_an_edit_restarts_without_losing_a_message(
    dev: Callable[..., Dev], shared_environment: dict[str, str], orders: Queue
) -> None:
    running = dev("--only", "orders", environment=shared_environment)
    running.wait_for("consumer.started")
    sent = 0
    running.edit("shop/consumers.py", '"v1"', '"v2"')
    while not any(version == "v2" for _, version in running.handled()):
        orders.send({"id": sent, "seconds": 0.02})
        sent += 1
        assert running.process.poll() is None, running
        assert sent < 20_000, running
    until(lambda: {number for number, _ in running.handled()} == set(range(sent)), f"{sent} handled messages")
    assert {version for _, version in running.handled()} == {"v1", "v2"}
    assert "shop/consumers.py changed" in running.output
    assert running.stop(signal.SIGTERM) == 0


def test_code_that_cannot_run_leaves_what_runs_until_it_is_mended(
    dev: Callable[..., Dev], shared_environment: dict[str, str], orders: Queue
) -> None:
    running = dev("--only", "orders", environment=shared_environment)
    running.wait_for("consumer.started")
    running.edit("shop/consumers.py", "def handle_order(", "def handle_order(((")
    running.wait_for("what runs stays as it is until this is mended")
    assert re.search(r"shop/consumers.py:\d+: ", running.output)
    orders.send({"id": 1})
    running.wait_for("handled 1 v1.")
    running.edit("services/__init__.py", '"shop.consumers:handle_order"', '"no import string"')
    running.edit("shop/consumers.py", "(((", "(")
    running.wait_for("what runs stays as it is until this is mended", count=2)
    assert "has the entrypoint 'no import string'" in running.output
    orders.send({"id": 2})
    running.wait_for("handled 2 v1.")
    running.edit("shop/consumers.py", '"v1"', '"v3"')
    running.edit("services/__init__.py", '"no import string"', '"shop.consumers:handle_order"')
    running.wait_for("consumer.started", count=2)
    orders.send({"id": 3})
    running.wait_for("handled 3 v3.")
    assert running.output.count("consumer.stopped") == 1
    assert running.stop() == 0


def test_services_come_and_go_with_the_registry(
    dev: Callable[..., Dev], shared_environment: dict[str, str], aws_options: AwsOptions, unique: str
) -> None:
    running = dev(environment=shared_environment)
    running.wait_for("consumer.started")
    running.wait_for("api.listening")
    api = running.session().services["shop_api"]
    running.edit("services/__init__.py", '"orders"', '"returns"')
    running.edit("services/__init__.py", '"orders_cmd"', '"returns_cmd"')
    running.wait_for("consumer.started", count=2)
    SqsBroker(aws_options).queue(f"{unique}_returns_cmd").send({"id": 4})
    running.wait_for("handled 4 v1.")
    running.wait_for("api.listening", count=2)
    assert set(running.session().services) == {"returns", "shop_api", "stocktaking"}
    assert running.session().services["shop_api"] == api
    assert running.output.count("worker.started") == 1  # its next run comes on schedule
    assert running.stop() == 0


def test_a_crash_is_told_and_the_service_starts_again(
    dev: Callable[..., Dev], shared_environment: dict[str, str], orders: Queue
) -> None:
    running = dev("--only", "orders", "--no-reload", environment=shared_environment)
    running.wait_for("consumer.started")
    orders.send({"crash": True})
    running.wait_for("orders: crashed: it ended with status 3; it starts again in 1 s")
    running.wait_for("consumer.started", count=2)
    orders.send({"id": 5})
    running.wait_for("handled 5 v1.")
    assert running.stop() == 0


def test_a_second_request_ends_all_at_once(
    dev: Callable[..., Dev], shared_environment: dict[str, str], orders: Queue
) -> None:
    running = dev("--only", "orders", environment=shared_environment)
    running.wait_for("consumer.started")
    orders.send({"id": 1, "seconds": 60})
    running.wait_for("began 1")
    processes = descendants(running.process.pid)
    running.process.send_signal(signal.SIGINT)
    running.wait_for("consumer.stopping")
    assert running.stop() == 130
    assert [pid for pid in processes if alive(pid)] == []
    assert "handled 1" not in running.output


def test_persist_keeps_messages_from_one_run_to_the_next(
    dev: Callable[..., Dev], own_environment: dict[str, str]
) -> None:
    first = dev("--persist", "--only", "stocktaking", environment=own_environment)
    first.wait_for("stocktaking: done after")
    queue_of(first.session()).send({"id": 8})
    assert first.stop() == 0
    second = dev("--persist", "--only", "orders", environment=own_environment)
    second.wait_for("handled 8 v1.")
    assert second.stop() == 0


def test_an_emulator_of_ones_own_is_used_and_left_running_and_no_account_is_seen(
    dev: Callable[..., Dev], shared_environment: dict[str, str], emulator: Emulator, project: Path
) -> None:
    (project / ".env").write_text(
        f"AWS_ENDPOINT_URL={emulator.url}\nAWS_PROFILE=production\nAWS_SESSION_TOKEN=token-of-production\n"
        "SHOP_NAME=from the file\nSHOP_OPEN=no\n"
    )
    shell = {**shared_environment, "AWS_ACCESS_KEY_ID": "AKIAPRODUCTION", "SHOP_OPEN": "yes"}
    del shell["AWS_ENDPOINT_URL"]
    running = dev("--only", "stocktaking", environment=shell)
    running.wait_for("stocktaking: done after")
    assert f"AWS: {emulator.url} (your own)" in running.output
    assert "production" not in str(running).lower()
    assert "('AWS_ACCESS_KEY_ID', 'test')" in running.output
    assert "('SHOP_NAME', 'from the file')" in running.output
    assert "('SHOP_OPEN', 'yes')" in running.output
    assert running.stop() == 0
    assert emulator.is_running()


@pytest.mark.parametrize("place", ["environment", ".env", "pyproject.toml", "one service's address"])
def test_a_real_account_is_refused(
    dev: Callable[..., Dev], own_environment: dict[str, str], project: Path, place: str
) -> None:
    real = "https://sqs.eu-west-1.amazonaws.com"
    if place == "environment":
        own_environment["AWS_ENDPOINT_URL"] = real
    elif place == ".env":
        (project / ".env").write_text(f"AWS_ENDPOINT_URL={real}\n")
    elif place == "pyproject.toml":
        (project / "pyproject.toml").write_text(f'[tool.blackcat]\nemulator = "{real}"\n')
    else:
        own_environment["AWS_ENDPOINT_URL_SQS"] = real
    refused = dev(environment=own_environment)
    assert refused.process.wait(PATIENCE_SECONDS) == 78
    assert "leads to a real AWS account (sqs.eu-west-1.amazonaws.com)" in refused.errors
    assert find_session(project) is None


def test_a_project_that_does_not_load_says_why_and_leaves_nothing(
    dev: Callable[..., Dev], shared_environment: dict[str, str], project: Path
) -> None:
    (project / "services" / "__init__.py").write_text("from blackcat import Nothing\n")
    broken = dev(environment=shared_environment)
    assert broken.process.wait(PATIENCE_SECONDS) == 78
    assert "services/__init__.py:1: ImportError" in broken.errors


def test_an_unknown_service_is_a_wrong_command_line(
    dev: Callable[..., Dev], shared_environment: dict[str, str]
) -> None:
    wrong = dev("--only", "order", environment=shared_environment)
    assert wrong.process.wait(PATIENCE_SECONDS) == 2
    assert "no service is named 'order': the services are orders, shop_api, stocktaking" in wrong.errors


def test_one_dev_per_project(dev: Callable[..., Dev], shared_environment: dict[str, str]) -> None:
    first = dev("--only", "stocktaking", environment=shared_environment)
    first.wait_for("stocktaking: done after")
    again = subprocess.run(
        [sys.executable, "-m", "blackcat", "dev"],
        cwd=first.project,
        env=shared_environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )
    assert again.returncode == 78
    assert f"already runs in {first.project} (process {first.process.pid})" in again.stderr
    assert first.stop() == 0


def _take_the_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    # These tests may run under nohup, whose children do not hear of a closed terminal.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


class Terminal:
    """A ``blackcat dev`` in a terminal of its own, as its users see it."""

    def __init__(self, project: Path, environment: dict[str, str]) -> None:
        self.output = ""
        self._keyboard, terminal = os.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "blackcat", "dev", "--only", "orders"],
            cwd=project,
            env={**environment, "TERM": "xterm"},
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
            preexec_fn=_take_the_terminal,
        )
        os.close(terminal)

    def wait_for(self, text: str) -> None:
        until(lambda: self._shows(text), f"{text!r} on the terminal")

    def type(self, keys: bytes) -> None:
        os.write(self._keyboard, keys)

    def close(self) -> None:
        os.close(self._keyboard)

    def _shows(self, text: str) -> bool:
        self.output += os.read(self._keyboard, 4096).decode(errors="replace")
        return text in self.output


@pytest.fixture
def terminal(project: Path) -> Iterator[Callable[..., Terminal]]:
    opened: list[Terminal] = []

    def opens(environment: dict[str, str]) -> Terminal:
        opened.append(Terminal(project, environment))
        opened[-1].wait_for("consumer.started")
        return opened[-1]

    yield opens
    for one in opened:
        if one.process.poll() is None:
            kill_all([*descendants(one.process.pid), one.process.pid])
            one.process.wait()


@pytest.mark.parametrize("no_colour", [{}, {"NO_COLOR": "1"}])
def test_a_terminal_gets_colours_and_its_ctrl_c_stops_in_order(
    terminal: Callable[..., Terminal], shared_environment: dict[str, str], no_colour: dict[str, str]
) -> None:
    running = terminal({**shared_environment, **no_colour})
    running.type(b"\x03")
    running.wait_for("consumer.stopped")
    running.wait_for("stopped\r\n" if no_colour else "stopped\x1b")
    assert running.process.wait(PATIENCE_SECONDS) == 0
    running.close()
    if no_colour:
        assert "\x1b" not in running.output
    else:
        assert "\x1b[36morders   |\x1b[0m" in running.output
        assert "\x1b[1mblackcat |\x1b[0m" in running.output


def test_a_closed_terminal_stops_all(
    terminal: Callable[..., Terminal], shared_environment: dict[str, str]
) -> None:
    running = terminal(shared_environment)
    processes = descendants(running.process.pid)
    assert processes
    running.close()
    running.process.wait(PATIENCE_SECONDS)
    assert [pid for pid in processes if alive(pid)] == []


def test_an_emulator_that_dies_ends_all_with_its_log(
    dev: Callable[..., Dev], own_environment: dict[str, str]
) -> None:
    running = dev("--only", "orders", environment=own_environment)
    running.wait_for("consumer.started")
    processes = descendants(running.process.pid)
    emulator, *_ = (pid for pid in processes if "ministack" in command_line(pid))
    os.kill(emulator, signal.SIGKILL)
    assert running.process.wait(PATIENCE_SECONDS) == 1
    assert "the emulator has ended by itself: see .blackcat/emulator.log" in running.errors
    assert [pid for pid in processes if alive(pid)] == []


@pytest.mark.skipif(sys.platform != "linux", reason="processes are tied to one another on Linux only")
def test_nothing_outlives_a_dev_that_is_killed(
    dev: Callable[..., Dev], own_environment: dict[str, str]
) -> None:
    running = dev("--only", "orders", environment=own_environment)
    running.wait_for("consumer.started")
    processes = descendants(running.process.pid)
    assert len(processes) >= 2
    running.stop(signal.SIGKILL)
    until(lambda: all(has_ended(pid) for pid in processes), "the end of all processes")


def test_a_port_that_is_taken_leads_to_another(
    dev: Callable[..., Dev], shared_environment: dict[str, str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = server.getsockname()[1]
        running = dev("--only", "shop_api", environment={**shared_environment, "PORT": str(taken)})
        running.wait_for("api.listening")
        with urlopen(f"{running.session().services['shop_api']}/stock") as answer:
            assert answer.status == 200
        assert running.stop() == 0


def test_a_port_that_is_lost_over_a_restart_leads_to_another(
    dev: Callable[..., Dev], shared_environment: dict[str, str]
) -> None:
    running = dev("--only", "shop_api", environment=shared_environment)
    running.wait_for("api.listening")
    before = str(running.session().services["shop_api"])
    with urlopen(f"{before}/stock") as answer:  # its code is loaded
        assert answer.status == 200
    running.edit("shop/api.py", "9}", "9}}")  # what ends meanwhile stays down until this is mended
    running.wait_for("what runs stays as it is")
    api, *_ = descendants(running.process.pid)
    os.kill(api, signal.SIGTERM)
    running.wait_for("shop_api: has ended by itself")
    with socket.create_server(("127.0.0.1", int(before.rpartition(":")[2]))):
        running.edit("shop/api.py", "9}}", "9}")
        running.wait_for("is taken by another process")
        running.wait_for("api.listening", count=2)
        assert running.session().services["shop_api"] != before
        with urlopen(f"{running.session().services['shop_api']}/stock") as answer:
            assert answer.status == 200
    assert running.stop() == 0
