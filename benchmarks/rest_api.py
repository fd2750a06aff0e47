"""Requests per second beside bare Flask, on gunicorn's threads, under wrk with keep-alive connections.

Both serve the same view in the same round, the order alternating, and every ratio is taken within its
round. Bare Flask is a Flask application and nothing else: no request id, no log, no security headers.
`python benchmarks/rest_api.py --rounds 5 --seconds 4` prints a table in Markdown.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import IO, Annotated, Any

from flask import Blueprint, Flask, request
from processes import Process
from pydantic import BaseModel, Field

THREADS = 8
CONNECTIONS = 8
_HERE = Path(__file__).resolve().parent
_RATE = re.compile(r"Requests/sec:\s+([\d.]+)")
_DONE = re.compile(r"(\d+) requests in")
_ERRORS = re.compile(r"(Non-2xx or 3xx responses.*|Socket errors.*)")
_POST = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"sku": "A-1", "amount": "10.50", "count": 3}'
"""


class Order(BaseModel):
    sku: Annotated[str, Field(min_length=1, max_length=20)]
    amount: Annotated[Decimal, Field(gt=0)]
    count: Annotated[int, Field(gt=0)]


def show(item_id: int) -> dict[str, Any]:
    return {"id": item_id, "name": "pen", "price": "1.50", "tags": ["blue", "fine"]}


def order_by_hand() -> dict[str, Any]:
    return accepted(Order.model_validate_json(request.get_data()))


def order(body: Order) -> dict[str, Any]:
    return accepted(body)


def accepted(order: Order) -> dict[str, Any]:
    return {"sku": order.sku, "amount": str(order.amount), "count": order.count}


def _blueprint(order_view: Callable[..., Any]) -> Blueprint:
    blueprint = Blueprint("shop", __name__)
    blueprint.add_url_rule("/items/<int:item_id>", "show", show)
    blueprint.add_url_rule("/orders", "order", order_view, methods=["POST"])
    return blueprint


bare = Flask("bare", static_folder=None)
bare.register_blueprint(_blueprint(order_by_hand))
api = _blueprint(order)


@dataclass(frozen=True)
class Contender:
    key: str
    arguments: list[str]
    variables: dict[str, str] = field(default_factory=dict)


_GUNICORN = [
    *(sys.executable, "-m", "gunicorn", "--no-control-socket", "-k", "gthread", "--threads", str(THREADS)),
    *("--keep-alive", "75", "-w", "1", "rest_api:bare"),
]
_BLACKCAT = [sys.executable, str(_HERE / "rest_api.py"), "--serve"]
_CONTENDERS = {
    "no log": (
        Contender("Flask", _GUNICORN),
        Contender("Blackcat", _BLACKCAT, {"LOG_LEVEL": "WARNING"}),
    ),
    "a line per request": (
        Contender("Flask", [*_GUNICORN[:-1], "--access-logfile", "-", _GUNICORN[-1]]),
        Contender("Blackcat", _BLACKCAT, {"LOG_LEVEL": "INFO"}),
    ),
}
_CASES = {"GET, small JSON": ("/items/7", ""), "POST, validated": ("/orders", _POST)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        _serve()
    if not shutil.which("wrk"):
        sys.exit("install wrk first (on Debian and Ubuntu: apt install wrk)")
    _measure(options.rounds, options.seconds)


def _serve() -> None:
    from blackcat import Service, ServiceType, run_microservice

    run_microservice(Service(name="shop", type=ServiceType.REST_API, endpoint_module="rest_api"))


def _measure(rounds: int, seconds: int) -> None:
    _tell(
        f"Python {platform.python_version()}, {os.cpu_count()} cores; 1 worker of {THREADS} threads, "
        f"{CONNECTIONS} kept-alive connections; {rounds} rounds of {seconds} s each\n"
    )
    _tell("| | | requests/s: Flask | Blackcat | ratio | CPU µs/request: Flask | Blackcat | ratio |")
    _tell("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for mode, contenders in _CONTENDERS.items():
        with ExitStack() as stack:
            servers = [stack.enter_context(_running(one)) for one in contenders]
            for case, (path, script) in _CASES.items():
                flask, blackcat = _runs(servers, path, script, rounds, seconds)
                rates = _compared([run.rate for run in flask], [run.rate for run in blackcat])
                # What the CPU is spent on is less at the mercy of a busy machine.
                cpu = _compared([run.cpu for run in flask], [run.cpu for run in blackcat])
                _tell(f"| {case} | {mode} | {rates} | {cpu} |")


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


@dataclass(frozen=True)
class _Server:
    process: Process
    port: int


@dataclass(frozen=True)
class _Run:
    """Requests per second, and microseconds of CPU time for each."""

    rate: float
    cpu: float


def _runs(
    servers: Sequence[_Server], path: str, script: str, rounds: int, seconds: int
) -> tuple[list[_Run], ...]:
    for server in servers:
        _run(server, path, script, 1)  # caches, threads
    runs: dict[int, list[_Run]] = {server.port: [] for server in servers}
    for number in range(rounds):
        for server in servers[:: 1 if number % 2 else -1]:
            runs[server.port].append(_run(server, path, script, seconds))
    return tuple(runs.values())


def _compared(theirs: list[float], ours: list[float]) -> str:
    ratios = [mine / other for mine, other in zip(ours, theirs, strict=True)]
    spread = f"{median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})"
    return f"{median(theirs):,.0f} | {median(ours):,.0f} | {spread}"


@contextmanager
def _running(contender: Contender) -> Iterator[_Server]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "PORT": str(port),
        "HOST": "127.0.0.1",
        "API_WORKERS": "1",
        "API_THREADS": str(THREADS),
        "LOG_FORMAT": "json",
        "GUNICORN_CMD_ARGS": f"--bind 127.0.0.1:{port}",
        **contender.variables,
    }
    with (
        tempfile.TemporaryFile() as log,
        Process(contender.arguments, folder=_HERE, environment=environment, log=log) as process,
    ):
        _wait(process, port, log)
        yield _Server(process, port)
        process.stop()


def _wait(process: Process, port: int, log: IO[bytes]) -> None:
    for _ in range(300):
        if not process.alive:
            log.seek(0)
            sys.exit(log.read().decode())
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    sys.exit("the server did not listen within 30 seconds")


def _run(server: _Server, path: str, script: str, seconds: int) -> _Run:
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script)
        file.flush()
        options = ["-t", "1", "-c", str(CONNECTIONS), "-d", f"{seconds}s", "-s", file.name]
        command = ["wrk", *options, f"http://127.0.0.1:{server.port}{path}"]
        before = server.process.cpu_seconds()
        text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        cpu = server.process.cpu_seconds() - before
    if failures := _ERRORS.search(text):
        sys.exit(f"{path}: {failures[0]}")
    done, rate = _DONE.search(text), _RATE.search(text)
    if not done or not rate:
        sys.exit(text)
    return _Run(float(rate[1]), cpu / int(done[1]) * 1_000_000)


if __name__ == "__main__":
    main()
