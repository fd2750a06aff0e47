"""What a process and the platform that runs it (ECS, Kubernetes, a machine) have to tell each other."""

from __future__ import annotations

import functools
import os
import platform as interpreter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from random import Random
from threading import Thread

from blackcat.application.clock import SystemClock
from blackcat.application.events import EventLog
from blackcat.application.protection import Protector
from blackcat.application.shutdown import Shutdown
from blackcat.domain.health import HealthReport
from blackcat.domain.service import Service
from blackcat.infra.container import Platform, credentials_source, missing_role, swallowing_shell
from blackcat.infra.platform.cgroup import ControlGroups
from blackcat.infra.platform.container_memory import ContainerMemory
from blackcat.infra.platform.ecs import AGENT, EcsAgent, task
from blackcat.infra.platform.kubernetes import pod
from blackcat.infra.settings.configuration import Settings

log = EventLog("blackcat")

# What a stop waits for an agent that does not answer.
_RELEASE_SECONDS = 2.0


@functools.cache
def current_platform() -> Platform:
    """What runs this process; asked once, at its start."""
    return task(os.environ) or pod(os.environ) or Platform()


@functools.cache
def container_memory() -> ContainerMemory:
    return ContainerMemory(ControlGroups(), task_limit=current_platform().memory_limit)


def with_memory(report: HealthReport) -> HealthReport:
    """The report with the memory that is used, and that may be."""
    use = container_memory().use()
    return replace(report, details={**report.details, **use.fields()}) if use else report


def announce(service: Service, settings: Settings) -> None:
    """The first line of a service: what it is, where it runs and what it may use; and what is wrong there."""
    platform = current_platform()
    told = {
        **platform.details,
        "memory_limit_bytes": container_memory().limit,
        "cpus": _cpus(platform),
        "aws_access_from": credentials_source(os.environ),
    }
    log.info(
        "service.starting",
        type=service.type.value,
        python=interpreter.python_version(),
        pid=os.getpid(),
        **{name: value for name, value in told.items() if value},
    )
    if role := missing_role(platform, os.environ):
        log.warning("credentials.none_given", reason=role)
    if shell := swallowing_shell(os.getppid()):
        log.warning(
            "signals.kept_by_shell",
            reason=f"process 1 is {shell}, which passes no SIGTERM on: start this process by exec, or write "
            'the image\'s command as a list, ["python", "main.py"]',
        )
    if platform.longest_stop and settings.shutdown_timeout > platform.longest_stop:
        longest = platform.longest_stop.total_seconds()
        log.warning(
            "shutdown.cut_short",
            reason=f"SHUTDOWN_TIMEOUT_SECONDS is {settings.shutdown_timeout_seconds:g}, and this platform "
            f"kills {longest:g} seconds after SIGTERM at the latest: choose less",
        )


@contextmanager
def task_protection(oldest: Callable[[], float], settings: Settings, shutdown: Shutdown) -> Iterator[None]:
    """Protect the ECS task meanwhile, when ECS_TASK_PROTECTION says so and there is an agent to ask.

    ``oldest`` is the age in seconds of the oldest message in its handler.
    """
    protector = _protector(oldest, settings) if settings.ecs_task_protection else None
    if protector is None:
        yield
        return
    thread = Thread(target=protector.run, name="task-protection", daemon=True)
    thread.start()
    try:
        yield
    finally:
        protector.close()
        thread.join(min(_RELEASE_SECONDS, shutdown.remaining()))


def _protector(oldest: Callable[[], float], settings: Settings) -> Protector | None:
    address = os.environ.get(AGENT)
    if not address:
        log.warning(
            "task.not_protected",
            reason=f"ECS_TASK_PROTECTION is set, and {AGENT} is not: this is no ECS task, or its container "
            "agent is older than 1.65.0",
        )
        return None
    return Protector(
        protection=EcsAgent(address),
        oldest=oldest,
        duration=timedelta(seconds=settings.consumer_max_handling_seconds),
        clock=SystemClock(),
        random=Random(),
    )


def _cpus(platform: Platform) -> float:
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quotas = [quota for quota in (ControlGroups().cpus(), platform.cpus) if quota]
    return round(min([*quotas, float(allowed)]), 3)
