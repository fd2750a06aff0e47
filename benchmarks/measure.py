"""One contender, measured once against a fake SQS."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lineup import CONTENDERS, Contender, messages
from processes import Process

HERE = Path(__file__).parent
QUEUE = "bench"
LONGEST_START = 60.0
# Long enough that connections are open and batches full, short enough that messages are left.
UNDER_LOAD_SECONDS = 0.5
STOP_MESSAGES = 20_000

State = dict[str, Any]


class MeasurementError(Exception):
    """A contender that cannot be measured, with what it printed last."""


@dataclass(frozen=True)
class Run:
    """What one contender did with the messages."""

    messages_per_second: float
    cpu_per_1000: float
    calls_per_message: Mapping[str, float]
    peak_megabytes: float
    seconds_to_first: float
    redelivered: int
    handled: int
    fake_cpu_share: float
    refused: Mapping[str, int]


@dataclass(frozen=True)
class Stop:
    """What SIGTERM under load left."""

    seconds: float
    hidden: int
    status: int | None


@dataclass(frozen=True)
class Idle:
    """What an empty queue costs."""

    calls: Mapping[str, int]
    polls_at_once: int
    cpu_seconds: float


class FakeSqs:
    """The fake SQS as a process of its own."""

    def __init__(self, process: Process, address: str) -> None:
        self.process = process
        self.address = address

    def load(self, contender: Contender, count: int, latency: float) -> None:
        wanted = {"queue": QUEUE, "latency": latency, "messages": messages(contender.module, count)}
        self._request("POST", "load", json.dumps(wanted))

    def state(self) -> State:
        return self._request("GET", "state")

    def wait(self, event: str, seconds: float) -> State:
        return self._request("GET", f"wait?for={event}&seconds={seconds}")

    def _request(self, method: str, path: str, body: str | None = None) -> State:
        connection = HTTPConnection(urlsplit(self.address).netloc)
        try:
            connection.request(method, f"/_bench/{path}", body)
            state: State = json.loads(connection.getresponse().read())
            return state
        finally:
            connection.close()


@contextmanager
def fake_sqs() -> Iterator[FakeSqs]:
    here = Path(__file__).parent
    with (
        tempfile.NamedTemporaryFile() as log,
        Process(
            [sys.executable, "fake_sqs.py"], folder=here, environment=os.environ, log=log.file
        ) as process,
    ):
        address = ""
        while not address.endswith("\n"):
            if not process.alive:
                raise MeasurementError(f"the fake SQS did not start: {address}")
            time.sleep(0.05)
            address = Path(log.name).read_text()
        yield FakeSqs(process, address.strip())


def measure(contender: Contender, fake: FakeSqs, *, count: int, latency: float, seconds: float) -> Run:
    """Its messages, for at most so many seconds. Raises MeasurementError."""
    fake.load(contender, count, latency)
    with started(contender, fake) as process:
        first = _first(fake, process)
        cpu, fake_cpu = process.cpu_seconds(), fake.process.cpu_seconds()
        state = fake.wait("done", seconds)
        took = (state["done"] or state["now"]) - first["first_received"]
        cpu, fake_cpu = process.cpu_seconds() - cpu, fake.process.cpu_seconds() - fake_cpu
        handled = max(state["deleted"], 1)
        return Run(
            messages_per_second=state["deleted"] / took,
            cpu_per_1000=cpu / handled * 1000,
            calls_per_message={name: calls / handled for name, calls in state["calls"].items()},
            peak_megabytes=process.peak_megabytes(),
            seconds_to_first=first["first_received"] - process.started,
            redelivered=state["redelivered"],
            handled=state["deleted"],
            fake_cpu_share=fake_cpu / took,
            refused=state["refused"],
        )


def measure_stop(contender: Contender, fake: FakeSqs, *, latency: float) -> Stop:
    """SIGTERM while messages flow. Raises MeasurementError."""
    fake.load(contender, STOP_MESSAGES, latency)
    with started(contender, fake) as process:
        _first(fake, process)
        time.sleep(UNDER_LOAD_SECONDS)
        took, status = process.stop()
    time.sleep(latency + 0.1)  # calls on their way have their effect
    state = fake.state()
    return Stop(took, state["hidden"], status)


def measure_idle(contenders: list[Contender], seconds: float) -> dict[str, Idle]:
    """All at once, each on an empty queue of its own: nothing is to be done, so none slows another."""
    with ExitStack() as stack:
        running = []
        for contender in contenders:
            fake = stack.enter_context(fake_sqs())
            fake.load(contender, 0, 0.0)
            process = stack.enter_context(started(contender, fake))
            running.append((contender, fake, process))
        for contender, fake, process in running:
            _first_poll(contender, fake, process)
        time.sleep(5.0)  # the last to start have opened all that they open
        before = [(fake.state()["calls"], process.cpu_seconds()) for _, fake, process in running]
        time.sleep(seconds)
        return {
            contender.key: _idle(fake.state(), process.cpu_seconds(), *was)
            for (contender, fake, process), was in zip(running, before, strict=True)
        }


def _idle(state: State, cpu: float, calls_before: Mapping[str, int], cpu_before: float) -> Idle:
    calls = {name: count - calls_before.get(name, 0) for name, count in state["calls"].items()}
    return Idle({k: v for k, v in calls.items() if v}, state["most_waiting"], cpu - cpu_before)


@contextmanager
def started(contender: Contender, fake: FakeSqs) -> Iterator[Process]:
    environment = {
        **os.environ,
        "AWS_ENDPOINT_URL": fake.address,
        "AWS_ACCESS_KEY_ID": "BENCHMARK",
        "AWS_SECRET_ACCESS_KEY": "not-a-secret",
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "BENCH_QUEUE": QUEUE,
        **contender.environment,
    }
    with (
        tempfile.NamedTemporaryFile() as log,
        Path(os.devnull).open("wb") as nowhere,
        Process(
            contender.arguments,
            folder=CONTENDERS,
            environment=environment,
            log=nowhere if contender.discards_output else log.file,
        ) as process,
    ):
        try:
            yield process
        except MeasurementError as failure:
            printed = Path(log.name).read_text(errors="replace").strip().splitlines()[-12:]
            raise MeasurementError("\n".join([f"{contender.name}: {failure}", *printed])) from None


def _first(fake: FakeSqs, process: Process) -> State:
    deadline = time.monotonic() + LONGEST_START
    while (state := fake.wait("first", 1.0))["first_received"] is None:
        if not process.alive:
            raise MeasurementError("it ended before its first message")
        if time.monotonic() > deadline:
            raise MeasurementError(
                f"no message was received within {LONGEST_START:.0f} s; calls: {state['calls']}"
            )
    return state


def _first_poll(contender: Contender, fake: FakeSqs, process: Process) -> None:
    deadline = time.monotonic() + LONGEST_START
    while not fake.state()["calls"].get("ReceiveMessage"):
        if not process.alive or time.monotonic() > deadline:
            raise MeasurementError(f"{contender.name} does not poll")
        time.sleep(0.2)
