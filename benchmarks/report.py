"""RESULTS.md, written from the figures alone."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path

from figures import Results, calls, cpu, memory, rate, spread, start
from lineup import Contender
from measure import Stop
from targets import targets

_OURS = ("blackcat", "boto3", "botocore", "urllib3", "pydantic", "uvloop")
_PEERS = ("celery", "kombu", "pycurl", "dramatiq", "dramatiq-sqs", "sqs-workers", "taskiq", "taskiq-aio-sqs")
_PACKAGES = (*_OURS, *_PEERS, "aiobotocore")


def report(results: Results, *, settings: str, fake: str, idle_seconds: float) -> str:
    sections = [
        _heading(settings),
        "## Targets\n\nRatios are to the floor (the best simple boto3 loop), each round's own; "
        "`lean` is `SQS_TRANSPORT=lean`.\n\n" + targets(results),
        *[_throughput(results, latency) for latency in results.latencies],
        _operations(results),
        _stops(results),
        _idle(results, idle_seconds),
        "## The fake SQS\n\n" + fake,
    ]
    if results.failures:
        lines = [f"- {name}:\n\n  ```\n  {why}\n  ```" for name, why in results.failures.items()]
        sections.append("## Not measured\n\n" + "\n".join(lines))
    return "\n\n".join(sections) + "\n"


def _heading(settings: str) -> str:
    now = datetime.now(timezone.utc)
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return (
        "# Results\n\nWritten by `make bench`; how to read it stands in [README.md](README.md).\n\n"
        f"- {now:%Y-%m-%d %H:%M} UTC; {settings}\n"
        f"- {_processor()}, {os.cpu_count()} cores, {_memory_gb()} GB; Linux {platform.release()}\n"
        f"- Python {platform.python_version()}; {packages}"
    )


def _throughput(results: Results, latency: float) -> str:
    rows = []
    for contender in results.measured(latency):
        key, runs = contender.key, results.of(contender.key, latency)
        rows.append(
            [
                _name(contender),
                spread([rate(run) for run in runs]),
                _times(results.ratio(key, "floor", latency, rate)),
                spread([cpu(run) for run in runs], 3),
                _times(results.ratio(key, "floor", latency, cpu)),
                spread([memory(run) for run in runs]),
                spread([start(run) for run in runs], 2),
                _times(results.ratio(key, "floor", latency, start)),
            ]
        )
    head = ["", "messages/s", "of floor", "CPU s per 1,000", "of floor", "peak MB", "s to first", "of floor"]
    added = f"{latency * 1000:.0f} ms added to each call" if latency else "No added latency"
    text = "Median (least to most) of the rounds; then the ratio to the floor, the best simple boto3 loop."
    return f"## {added}\n\n{text}\n\n" + table(head, rows)


def _operations(results: Results) -> str:
    rows = []
    for latency in results.latencies:
        for contender in results.measured(latency):
            run = results.of(contender.key, latency)[-1]
            each = ", ".join(
                f"{name} {count:.3f}"
                for name, count in sorted(run.calls_per_message.items(), key=lambda item: -item[1])
                if count >= 0.0005
            )
            redelivered = sum(run.redelivered for run in results.of(contender.key, latency))
            total = spread([calls(run) for run in results.of(contender.key, latency)], 3)
            rows.append([_name(contender), f"{latency * 1000:.0f}", total, each, f"{redelivered}"])
    head = ["", "ms", "calls per message", "by operation (last round)", "redelivered"]
    return "## Calls per message\n\n" + table(head, rows)


def _stops(results: Results) -> str:
    rows = [
        [
            _name(contender),
            f"{latency * 1000:.0f}",
            spread([stop.seconds for stop in stops], 2),
            spread([stop.hidden for stop in stops]),
            ", ".join(sorted({_status(stop) for stop in stops})),
        ]
        for contender in results.contenders
        for latency in results.latencies
        if (stops := results.stops.get((contender.key, latency)))
    ]
    text = "SIGTERM half a second after the first message, with messages left in the queue."
    head = ["", "ms", "s to exit", "messages left hidden", "exit status"]
    return f"## SIGTERM under load\n\n{text}\n\n" + table(head, rows)


def _idle(results: Results, seconds: float) -> str:
    rows = []
    for contender in results.contenders:
        if idle := results.idle.get(contender.key):
            each = ", ".join(f"{name} {count}" for name, count in idle.calls.items()) or "none"
            rows.append(
                [_name(contender), each, str(idle.polls_at_once), f"{idle.cpu_seconds / seconds:.2%}"]
            )
    head = ["", f"calls in {seconds:.0f} s", "long polls at a time", "of a core"]
    return "## On an empty queue\n\n" + table(head, rows)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(_lines(head, rows))


def _lines(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |"
    yield "| --- " * len(head) + "|"
    for row in rows:
        yield "| " + " | ".join(row) + " |"


def _name(contender: Contender) -> str:
    return f"*{contender.name}*" if contender.extra else contender.name


def _times(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.2f}"


def _status(stop: Stop) -> str:
    return "did not end within 40 s" if stop.status is None else str(stop.status)


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _memory_gb() -> int:
    return round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1024**3)
