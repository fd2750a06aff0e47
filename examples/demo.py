"""The payment project as it runs in production, on this machine alone: ``make demo``.

Every service is a process of its own (``SERVICE_NAME=... python main.py``) on an embedded AWS
emulator; with QUEUE_BACKEND=rabbitmq and RABBITMQ_URL their queues and topics are on that RabbitMQ, under
names of this run's own. 50 payments are confirmed, 5 that nobody pays expire, then everything is stopped with
SIGTERM. Exit status 0 means that every payment ended as it should, that no queue holds a message,
and that every process exited with 0.
"""

from __future__ import annotations

import json
import os
import runpy
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from blackcat import ServiceRegistry
from blackcat.entrypoints.connections import broker
from blackcat.entrypoints.provisioning import provisioned
from blackcat.errors import BlackcatError
from blackcat.infra.emulator import Emulator, running_emulator
from blackcat.infra.settings.configuration import Settings
from blackcat.resources import QueueResource, with_prefix

EXAMPLES = Path(__file__).resolve().parent
PAYMENT = EXAMPLES / "payment"
PROCESSOR = EXAMPLES / "payment_processor"

API = "payment_api"
SERVICES = {
    API: PAYMENT,
    "start_payment": PAYMENT,
    "payment_processor": PROCESSOR,
    "payment_processed": PAYMENT,
}
WORKER = "expire_pending_payments"

PAID, UNPAID = int(os.environ.get("DEMO_PAID", "50")), int(os.environ.get("DEMO_UNPAID", "5"))
CUSTOMERS_AT_ONCE = 5
WORKER_RUNS = 20
PATIENCE_SECONDS = float(os.environ.get("DEMO_PATIENCE_SECONDS", "90"))
ANSWER_SECONDS = 30.0
STOP_SECONDS = 40.0
POLL_SECONDS = 0.02
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)

Variables = Mapping[str, Mapping[str, str]]
NOTHING: Variables = {}

SETTINGS = {
    "ENVIRONMENT": "dev",
    "LOG_FORMAT": "json",
    "LOG_LEVEL": "INFO",
    "RESOURCE_PREFIX": f"demo{os.getpid()}_",
    "HOST": "127.0.0.1",
    "PORT": "0",  # any free one: the log says which
    "HEALTH_HOST": "127.0.0.1",
    "HEALTH_PORT": "0",
    "CONSUMER_WAIT_SECONDS": "2",  # a stop lets the poll under way come back: keep it short
    "PAYMENT_EXPIRES_AFTER_SECONDS": "1",
    "NO_PROXY": "127.0.0.1",
    "no_proxy": "127.0.0.1",
}


class DemoFailed(Exception):
    """Something did not go as it should; the text says what."""


@dataclass(frozen=True)
class Row:
    """What became of one service."""

    service: str
    handled: int
    failed: int
    status: int


def main() -> int:
    # `kill` stops it as Ctrl-C does: no service outlives the demo.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    began = time.monotonic()
    logs = Path(tempfile.mkdtemp(prefix="blackcat-demo-"))
    try:
        say("starting the AWS emulator (the first time, it is installed) ...")
        with running_emulator(log=logs / "emulator.log") as emulator:
            run(emulator, logs)
    except (DemoFailed, BlackcatError, OSError) as error:
        say(f"\nFAILED: {error}\nlogs: {logs}")
        return 1
    except KeyboardInterrupt:
        say("\nstopped")
        shutil.rmtree(logs, ignore_errors=True)
        return 130
    say(f"done in {time.monotonic() - began:.0f} seconds")
    shutil.rmtree(logs, ignore_errors=True)
    return 0


def run(emulator: Emulator, logs: Path) -> None:
    use_only({**SETTINGS, **emulator.environment()})
    settings = Settings()
    registries = [registry_of(PAYMENT), registry_of(PROCESSOR)]
    with provisioned(registries, settings):
        demonstrate(Queues(registries, settings), logs)


def demonstrate(queues: Queues, logs: Path, variables: Variables = NOTHING) -> None:
    """``variables`` are those that a service gets beside the environment that all have."""
    say("starting the services ...")
    with started(SERVICES, logs, variables) as processes:
        for process in processes:
            eventually(f"{process.name} ready", process.is_ready)
        customers = Customers(processes[0].address())
        latencies = confirm_payments(customers)
        worker = expire_payments(customers, logs, variables)
        eventually("all queues empty", lambda: not queues.left())
        say("stopping the services ...\n")
        rows = [*map(row_of, processes, stop(processes)), worker]
    show(rows, latencies)
    check([*queues.left(), *(f"{row.service} exited with {row.status}" for row in rows if row.status)])
    say(f"{PAID} payments confirmed, {UNPAID} expired, all queues empty")


def use_only(variables: Mapping[str, str]) -> None:
    """Whatever AWS account this terminal is set up for, the demo and its services never see it."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update(variables)


def registry_of(project: Path) -> ServiceRegistry:
    # Both projects have a package `services`: neither can be imported under that name.
    registry: ServiceRegistry = runpy.run_path(str(project / "services" / "__init__.py"))["services"]
    return registry


def confirm_payments(customers: Customers) -> list[float]:
    """The milliseconds that each took."""
    latencies: list[float] = []
    with ThreadPool(CUSTOMERS_AT_ONCE) as pool:
        for latency in pool.imap_unordered(customers.pay, range(PAID)):
            latencies.append(latency)
            show_progress("payments confirmed", len(latencies), PAID)
    return latencies


def expire_payments(customers: Customers, logs: Path, variables: Variables) -> Row:
    """What the worker did, in as many runs as it took."""
    unpaid = [customers.forget_to_pay() for _ in range(UNPAID)]
    for _ in range(WORKER_RUNS):
        with started({WORKER: PAYMENT}, logs, variables) as [worker]:
            status = worker.wait()
        if status:
            raise DemoFailed(f"{WORKER} exited with {status}")
        expired = sum(has_status(payment, "expired") for payment in unpaid)
        show_progress("payments expired", expired, UNPAID)
        if expired == UNPAID:
            handled = sum(line["count"] for line in worker.log("payments.expired"))
            return Row(WORKER, handled, failed=0, status=status)
    raise DemoFailed(f"{UNPAID - expired} payments are not expired after {WORKER_RUNS} runs of {WORKER}")


def check(problems: Sequence[str]) -> None:
    if problems:
        raise DemoFailed("; ".join(problems))


class ServiceProcess:
    """One service as a process, with its log in a file."""

    def __init__(self, name: str, project: Path, logs: Path, variables: Mapping[str, str]) -> None:
        self.name = name
        self._log = logs / f"{name}.log"
        with self._log.open("a") as output:
            self._process = subprocess.Popen(
                [sys.executable, "main.py"],
                cwd=project,
                env={**os.environ, "SERVICE_NAME": name, **variables},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the demo, which then stops its services
            )

    def is_ready(self) -> bool:
        if self._process.poll() is not None:
            raise DemoFailed(f"{self.name} exited with {self._process.returncode} at its start")
        address = self.address()
        return address is not None and fetch(f"{address}/health").status == HTTPStatus.OK

    def address(self) -> str | None:
        """Where it listens, once its log says so."""
        listening = next(self.log("api.listening", "health.listening"), None)
        return f"http://127.0.0.1:{listening['port']}" if listening else None

    def log(self, *events: str) -> Iterator[dict[str, Any]]:
        """The lines of these events so far."""
        for line in self._log.read_text().splitlines():
            # The last one may be half written.
            if line.startswith("{") and line.endswith("}"):
                fields = json.loads(line)
                if fields["event"] in events:
                    yield fields

    def terminate(self) -> None:
        if self._process.poll() is None:
            self._process.terminate()

    def wait(self) -> int:
        """The exit status; a process that takes too long is killed."""
        try:
            return self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()


@contextmanager
def started(services: Mapping[str, Path], logs: Path, variables: Variables) -> Iterator[list[ServiceProcess]]:
    """The services as processes; none of them outlives the demo."""
    processes: list[ServiceProcess] = []
    try:
        for name, project in services.items():
            with signals_held_back():
                processes.append(ServiceProcess(name, project, logs, variables.get(name, {})))
        yield processes
    finally:
        stop(processes)


@contextmanager
def signals_held_back() -> Iterator[None]:
    """Ctrl-C waits until a process that is being started is known, so that it is stopped too."""
    received: list[int] = []
    before = {n: signal.signal(n, lambda number, _: received.append(number)) for n in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if received:
        raise KeyboardInterrupt


def stop(processes: Sequence[ServiceProcess]) -> list[int]:
    """All at once; returns their exit statuses."""
    for process in processes:
        process.terminate()
    return [process.wait() for process in processes]


def row_of(process: ServiceProcess, status: int) -> Row:
    if process.name == API:
        answers = [line["status"] for line in process.log("request.handled")]
        return Row(API, len(answers), sum(answer >= 500 for answer in answers), status)
    stopped = next(process.log("consumer.stopped"), {"handled": 0, "retried": 0, "rejected": 0})
    return Row(process.name, stopped["handled"], stopped["retried"] + stopped["rejected"], status)


class Customers:
    """They order over HTTP, and look at what becomes of their payments."""

    def __init__(self, api: str | None) -> None:
        self._payments = f"{api}/payments"

    def pay(self, _: int) -> float:
        """Milliseconds from the order to its confirmation."""
        began = time.monotonic()
        payment = self._order("pix")
        eventually(f"{payment} confirmed", lambda: has_status(payment, "confirmed"))
        return (time.monotonic() - began) * 1000

    def forget_to_pay(self) -> str:
        """The address of a payment that stays pending."""
        payment = self._order("boleto")
        eventually(f"{payment} pending", lambda: has_status(payment, "pending"))
        return payment

    def _order(self, method: str) -> str:
        answer = fetch(self._payments, {"amount": "49.90", "currency": "BRL", "method": method})
        if answer.status != HTTPStatus.ACCEPTED:
            raise DemoFailed(f"POST {self._payments} answered {answer.status}: {answer.body}")
        return f"{self._payments}/{answer.body['payment_id']}"


class Queues:
    """All queues of the projects, their dead-letter queues among them."""

    def __init__(self, registries: Iterable[ServiceRegistry], settings: Settings) -> None:
        self._broker = broker(settings)
        declared = [
            with_prefix(resource, settings.resource_prefix)
            for registry in registries
            for resource in registry.resources
            if isinstance(resource, QueueResource)
        ]
        dead_letters = [queue.dead_letter for queue in declared if queue.dead_letter]
        self._names = sorted({queue.name for queue in [*declared, *dead_letters]})

    def left(self) -> list[str]:
        """What they still hold."""
        depths = {name: self._broker.depth(name).total for name in self._names}
        return [f"queue {name} holds {depth} messages" for name, depth in depths.items() if depth]


@dataclass(frozen=True)
class Answer:
    status: int
    body: dict[str, Any]


def fetch(url: str, body: Mapping[str, Any] | None = None) -> Answer:
    data = None if body is None else json.dumps(body).encode()
    request = Request(url, data, {"Content-Type": "application/json"})
    try:
        with urlopen(request, timeout=ANSWER_SECONDS) as response:
            return Answer(response.status, json.load(response))
    except HTTPError as error:
        return Answer(error.code, json.loads(error.read() or b"{}"))


def has_status(payment: str, status: str) -> bool:
    return fetch(payment).body.get("status") == status


def eventually(what: str, condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise DemoFailed(f"{what}: not within {PATIENCE_SECONDS:.0f} seconds")
        time.sleep(POLL_SECONDS)


def say(text: str) -> None:
    print(text, flush=True)


def show_progress(what: str, done: int, total: int) -> None:
    """One line that is redrawn on a terminal, a few plain lines elsewhere."""
    text = f"{what}: {done} of {total}"
    if sys.stdout.isatty():
        print(f"\r{text}", end="\n" if done == total else "", flush=True)
    elif done in (total // 2, total):
        say(text)


def show(rows: Sequence[Row], latencies: Sequence[float]) -> None:
    say(f"{'service':<25}{'handled':>10}{'failed':>10}{'exit status':>14}")
    for row in rows:
        say(f"{row.service:<25}{row.handled:>10}{row.failed:>10}{row.status:>14}")
    p95 = statistics.quantiles(latencies, n=20)[-1]
    say(f"\nfrom POST to confirmed: p50 {statistics.median(latencies):.0f} ms, p95 {p95:.0f} ms")


if __name__ == "__main__":
    sys.exit(main())
