"""Who is measured, and how each is started; README.md says how each was tuned and why."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from blackcat import Settings

CONTENDERS = Path(__file__).parent / "contenders"
FLOOR = "boto3 loop, ten at a time"
STOCK, STOCK_80 = "Blackcat", "Blackcat, concurrency 80"
LEAN, LEAN_80 = "Blackcat lean", "Blackcat lean, concurrency 80"


@dataclass(frozen=True)
class Contender:
    """A process to start in the folder of the contenders, by this environment's Python or commands."""

    key: str
    name: str
    module: str
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    extra: bool = False  # a variant of one above, shown in italics
    discards_output: bool = False

    @property
    def arguments(self) -> list[str]:
        if not self.command:
            return [sys.executable, f"{self.module}.py"]
        return [str(Path(sys.executable).with_name(self.command[0])), *self.command[1:]]


def contenders() -> list[Contender]:
    taskiq = ("taskiq", "worker", "taskiq_app:broker", "--log-level", "WARNING")
    return [
        Contender("single", "boto3 loop, one at a time", "boto3_single"),
        Contender("floor", FLOOR, "boto3_batch"),
        *_blackcats(),
        _celery("celery", "Celery, 2 processes", 1, "prefork", 2, prefetch=0),
        _celery("celery8", "Celery, 8 workers of 10 threads", 8, "threads", 10, prefetch=10),
        _dramatiq("dramatiq", "Dramatiq, 2 processes", "2"),
        _dramatiq("dramatiq8", "Dramatiq, 8 processes", "8", extra=True),
        Contender("sqs-workers", "sqs-workers, 2 processes", "sqs_workers_app"),
        Contender(
            "taskiq",
            "taskiq-aio-sqs, 2 processes",
            "taskiq_app",
            (*taskiq, "--workers", "2", "--max-async-tasks", "100", "--max-prefetch", "100"),
        ),
    ]


def _blackcats() -> Iterable[Contender]:
    def blackcat(key: str, name: str, extra: bool = False, **environment: str) -> Contender:
        settings = {"HEALTH_PORT": "0", "LOG_LEVEL": "WARNING", **environment}
        talkative = settings["LOG_LEVEL"] == "INFO"
        return Contender(
            key,
            name,
            "blackcat_consumer",
            environment=settings,
            extra=extra,
            discards_output=talkative,
        )

    yield blackcat("blackcat", STOCK)
    yield blackcat("blackcat80", STOCK_80, CONSUMER_CONCURRENCY="80")
    yield blackcat("blackcat-log", "Blackcat, INFO lines to /dev/null", extra=True, LOG_LEVEL="INFO")
    if "sqs_transport" in Settings.model_fields:
        yield blackcat("lean", LEAN, SQS_TRANSPORT="lean")
        yield blackcat("lean80", LEAN_80, SQS_TRANSPORT="lean", CONSUMER_CONCURRENCY="80")
        lean_log = {"SQS_TRANSPORT": "lean", "LOG_LEVEL": "INFO"}
        yield blackcat("lean-log", "Blackcat lean, INFO lines to /dev/null", extra=True, **lean_log)


def _celery(key: str, name: str, workers: int, pool: str, threads: int, prefetch: int) -> Contender:
    worker = ("celery", "--quiet", "--app", "celery_app", "worker", "--loglevel", "WARNING")
    quieter = ("--without-gossip", "--without-mingle", "--without-heartbeat")
    options = ("--pool", pool, "--concurrency", str(threads))
    several = ("python", "several.py", str(workers)) if workers > 1 else ()
    environment = {"BENCH_PREFETCH": str(prefetch)}
    command = (*several, *worker, *options, *quieter)
    return Contender(key, name, "celery_app", command, environment, extra=workers > 1)


def _dramatiq(key: str, name: str, processes: str, extra: bool = False) -> Contender:
    command = ("dramatiq", "dramatiq_app", "--processes", processes, "--threads", "8")
    environment = {"dramatiq_queue_prefetch": "10", "dramatiq_worker_timeout": "10000"}
    return Contender(key, name, "dramatiq_app", command, environment, extra=extra)


@cache
def messages(module: str, count: int) -> list[dict[str, Any]]:
    """As many messages in the contender's own format."""
    if str(CONTENDERS) not in sys.path:
        sys.path.insert(0, str(CONTENDERS))
    return list(importlib.import_module(module).messages(count))
