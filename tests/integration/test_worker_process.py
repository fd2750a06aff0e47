"""Workers as processes, with real signals: SIGTERM, SIGKILL, and SIGSTOP for a holder that is paused."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timezone
from pathlib import Path

import pytest

from blackcat import Service, ServiceRegistry, ServiceType
from blackcat.adapters_aws import AwsOptions, DynamoTable, provision
from blackcat.resources import TableResource
from blackcat.testing import ServiceProcess
from tests.integration.conftest import until

PROJECT = Path(__file__).with_name("worker_project")

Start = Callable[..., ServiceProcess]
Locks = Mapping[str, DynamoTable]


@pytest.fixture
def start(environment: dict[str, str], tmp_path: Path) -> Iterator[Start]:
    """Start a worker; whatever still runs at the end of the test is killed."""
    started: list[ServiceProcess] = []

    def start_worker(name: str, **changes: str) -> ServiceProcess:
        log = tmp_path / f"{name}-{len(started)}.log"
        variables = {**environment, **changes, "SERVICE_NAME": name}
        command = [sys.executable, "main.py"]
        started.append(ServiceProcess(name, command, cwd=PROJECT, environment=variables, log=log))
        return started[-1]

    yield start_worker
    for process in started:
        process.kill()


@pytest.fixture
def locks(aws_options: AwsOptions, unique: str) -> Locks:
    """The tables that the exclusive workers declare, by worker."""
    return {name: _created(name, aws_options, unique) for name in ("alone", "brief")}


def _created(name: str, options: AwsOptions, unique: str) -> DynamoTable:
    declared = Service(name=name, type=ServiceType.WORKER, entrypoint="jobs:brief", exclusive=True)
    provision(ServiceRegistry([declared]), options, prefix=f"{unique}_")
    return DynamoTable(TableResource(f"{unique}_{name}_lock", key="name"), options)


def test_a_job_stops_at_a_safe_point_after_sigterm(start: Start) -> None:
    patient = start("patient", WORKER_SCHEDULED_AT="2030-01-01T03:00:00Z")
    assert patient.wait_for("job.began")["scheduled_at"].startswith("2030-01-01 03:00:00")
    assert patient.stop() == 0
    assert patient.events("job.stopped_safely")
    assert patient.events("worker.stopped", reason="SIGTERM")
    assert not patient.events("worker.finished")


def test_a_job_that_heeds_its_deadline_ends_with_1(start: Start) -> None:
    bounded = start("bounded")
    assert bounded.status() == 1
    assert bounded.events("worker.deadline_exceeded", deadline_seconds=0.2)
    assert bounded.events("job.stopped_safely")


def test_a_job_that_heeds_nothing_is_ended_after_its_deadline_and_the_grace(start: Start) -> None:
    deaf = start("deaf", SHUTDOWN_TIMEOUT_SECONDS="0.5")
    assert deaf.status() == 1
    assert deaf.events("worker.deadline_exceeded", grace_seconds=0.5)
    assert deaf.events("service.abandoned")


def test_threads_that_a_job_leaves_behind_do_not_outlive_a_shutdown_budget(start: Start) -> None:
    littering = start("littering", SHUTDOWN_TIMEOUT_SECONDS="0.5")
    assert littering.status() == 0
    assert littering.events("worker.finished")
    assert littering.events("thread.left_behind", thread="left behind")


def test_of_many_processes_one_runs_and_the_others_say_who_does(start: Start, locks: Locks) -> None:
    processes = [start("alone") for _ in range(4)]
    until(lambda: sum(process.ended for process in processes) >= 3, "all but one to end")
    [holder] = [process for process in processes if not process.ended]
    others = [process for process in processes if process is not holder]
    assert [other.status() for other in others] == [75, 75, 75]
    for other in others:
        assert f"(process {holder.pid})" in other.wait_for("worker.lock_held")["reason"]
        assert not other.events("job.began")
    assert holder.stop() == 0


def test_an_ended_run_leaves_the_lock_to_the_next_at_once(start: Start, locks: Locks) -> None:
    first = start("alone")
    first.wait_for("job.began")
    assert first.stop() == 0
    second = start("alone")
    assert second.wait_for("job.began")["fencing"] > first.wait_for("job.began")["fencing"]
    assert second.stop() == 0


def test_what_a_killed_run_held_is_taken_over_when_its_lease_is_over(start: Start, locks: Locks) -> None:
    killed = start("alone", WORKER_LEASE_SECONDS="1")
    token = killed.wait_for("job.began")["fencing"]
    killed.kill()
    until(lambda: is_over(locks), "the end of the lease")
    following = start("alone")
    assert following.wait_for("job.began")["fencing"] > token
    assert following.stop() == 0


def test_a_holder_that_was_paused_finds_that_it_lost_the_lock(start: Start, locks: Locks) -> None:
    paused = start("alone", WORKER_LEASE_SECONDS="1")
    token = paused.wait_for("job.began")["fencing"]
    os.kill(paused.pid, signal.SIGSTOP)
    until(lambda: is_over(locks), "the end of the lease")
    following = start("alone")
    assert following.wait_for("job.began")["fencing"] > token
    os.kill(paused.pid, signal.SIGCONT)
    assert paused.status() == 1
    assert paused.wait_for("worker.lock_lost")
    assert paused.events("job.stopped_safely")
    assert following.stop() == 0
    assert not following.events("worker.lock_lost")


def test_a_run_tells_when_the_last_one_succeeded_also_over_one_that_failed(
    start: Start, locks: Locks
) -> None:
    assert start("brief").status() == 0
    assert start("brief", FAIL="1").status() == 1
    last = start("brief")
    assert last.status() == 0
    assert last.wait_for("worker.started")["seconds_since_success"] > 0
    assert last.events("worker.finished")


def test_without_the_table_of_its_lock_a_worker_does_not_start(start: Start) -> None:
    alone = start("alone")
    assert alone.status() == 78
    assert "needs the table of its lock" in alone.wait_for("service.not_started")["reason"]


def test_a_dry_run_takes_no_lock(start: Start, locks: Locks) -> None:
    assert start("brief", AWS_DRY_RUN="true").status() == 0
    assert locks["brief"].get({"name": "brief"}) is None


def is_over(locks: Locks) -> bool:
    found = locks["alone"].get({"name": "alone"})
    assert found is not None
    return datetime.fromisoformat(found["until"]) < datetime.now(timezone.utc)
