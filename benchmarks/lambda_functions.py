"""Lambda functions beside the smallest of Powertools and FastAPI: cold starts, and what one event costs.

Each start is a process of its own; rounds are interleaved, and every ratio is taken within its round.
`python benchmarks/lambda_functions.py --rounds 15` prints tables in Markdown.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median

_HERE = Path(__file__).resolve().parent
_WARM_UP = 200

# What a function does, beside a plain handler without any framework, which is the floor.
KINDS: Mapping[str, Sequence[str]] = {
    "batch": ("plain", "powertools", "blackcat"),
    "job": ("plain", "powertools", "blackcat"),
    "request": ("plain", "powertools", "fastapi", "fastapi_async", "flask", "blackcat"),
}
NAMES = {
    "plain": "plain handler",
    "powertools": "Powertools",
    "blackcat": "Blackcat",
    "fastapi": "FastAPI, mangum",
    "fastapi_async": "FastAPI, mangum, async view",
    "flask": "Flask, apig-wsgi",
}
EVENTS = {"batch": "batch", "job": "dict", "request": "request"}

# CPU time: the machine's other work has less to do with it than with the time that passes.
_CHILD = """
import time, sys
sys.stdout = sys.stderr
began, cpu = time.perf_counter(), time.process_time()
from lambda_contenders.events import Context, batch, request
event = {event}()
given, given_cpu = time.perf_counter(), time.process_time()
from lambda_contenders.{module} import handler
loaded, loaded_cpu = time.perf_counter(), time.process_time()
handler(event, Context())
done, done_cpu = time.perf_counter(), time.process_time()
context = Context()
for _ in range({warm_up}):
    handler(event, context)
first, last = time.process_time(), 0.0
for _ in range({events}):
    handler(event, context)
last = time.process_time()
each = (last - first) / {events} if {events} else 0.0
import json
sys.__stdout__.write(json.dumps([
    loaded_cpu - given_cpu, done_cpu - loaded_cpu, done_cpu - given_cpu, done - given, each
]))
"""


@dataclass(frozen=True)
class Start:
    """One process, in seconds: CPU to load it, for its first event, for both; passed for both; CPU each."""

    load: float
    first: float
    both: float
    passed: float
    each: float


def measured(kind: str, contender: str, *, events: int) -> Start:
    program = _CHILD.format(
        event=EVENTS[kind], module=f"{contender}_{kind}", events=events, warm_up=_WARM_UP if events else 0
    )
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(_HERE), os.environ.get("PYTHONPATH", "")]),
        "LOG_LEVEL": "WARNING",
        "POWERTOOLS_TRACE_DISABLED": "1",
    }
    ran = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        cwd=_HERE,
    )
    return Start(*json.loads(ran.stdout))


def rounds(kind: str, number: int, *, events: int) -> dict[str, list[Start]]:
    contenders = KINDS[kind]
    for contender in contenders:  # compiled to .pyc, and in the page cache
        measured(kind, contender, events=0)
    found: dict[str, list[Start]] = {contender: [] for contender in contenders}
    for turn in range(number):
        for contender in contenders if turn % 2 else reversed(contenders):
            found[contender].append(measured(kind, contender, events=events))
    return found


def table(kind: str, found: Mapping[str, Sequence[Start]], beside: str) -> Iterable[str]:
    yield f"| {kind} | import, ms CPU | first event, ms CPU | both | beside {NAMES[beside]} | ms passed |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for contender, starts in found.items():
        ratios = [one.both / other.both for one, other in zip(starts, found[beside], strict=True)]
        cells = [
            NAMES[contender],
            _ms(one.load for one in starts),
            _ms(one.first for one in starts),
            _ms(one.both for one in starts),
            _spread(ratios),
            _ms(one.passed for one in starts),
        ]
        yield f"| {' | '.join(cells)} |"


def each_table(kind: str, found: Mapping[str, Sequence[Start]], beside: str) -> Iterable[str]:
    yield f"| {kind} | µs CPU per event | beside {NAMES[beside]} |"
    yield "| --- | --- | --- |"
    for contender, starts in found.items():
        ratios = [one.each / other.each for one, other in zip(starts, found[beside], strict=True)]
        each = _spread([one.each * 1e6 for one in starts], digits=0)
        yield f"| {NAMES[contender]} | {each} | {_spread(ratios)} |"


def _ms(seconds: Iterable[float]) -> str:
    return _spread([one * 1000 for one in seconds], digits=1)


def _spread(values: Sequence[float], digits: int = 2) -> str:
    return f"{median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--events", type=int, default=2000, help="warm events of each process")
    parser.add_argument("--kinds", default=",".join(KINDS))
    options = parser.parse_args()
    versions = ", ".join(
        f"{name} {version(name)}"
        for name in ("aws-lambda-powertools", "fastapi", "mangum", "Flask", "apig-wsgi", "pydantic")
    )
    load = os.getloadavg()[0]
    sys.stdout.write(
        f"Python {platform.python_version()}, {versions}; {options.rounds} rounds, load {load:.1f}\n"
    )
    for kind in options.kinds.split(","):
        beside = "powertools" if kind != "request" else "fastapi"
        cold = rounds(kind, options.rounds, events=0)
        sys.stdout.write("\n".join(["", *table(kind, cold, beside), ""]))
        warm = rounds(kind, max(3, options.rounds // 3), events=options.events)
        sys.stdout.write("\n".join(["", *each_table(kind, warm, beside), ""]))
        sys.stdout.flush()


if __name__ == "__main__":
    main()
