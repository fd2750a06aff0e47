"""Services as containers run them: no writable disk, no user of that number, process 1, a memory limit.

The kernel's own means, without a container runtime. Where this user may not use them, the tests are left
out and say so.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import urllib.request
import uuid
from pathlib import Path

import pytest

from blackcat.testing.processes import ServiceProcess
from ecs_agent import TASK_ID, stand_in_agent
from tests.integration.conftest import PROJECT, until

CONTAINED = Path(__file__).with_name("contained")
MIB = 1024 * 1024

AS_PROCESS_1 = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
# A user without name, group or home, who may read everything, as image layers are readable.
AS_NOBODY = (
    "exec setpriv --reuid 54321 --regid 54321 --clear-groups --no-new-privs "
    "--inh-caps=-all,+dac_read_search --ambient-caps=+dac_read_search "
    "env --unset=HOME --unset=PYTHONDONTWRITEBYTECODE"
)
READ_ONLY = "set -e; mount --make-rprivate /; mount -o remount,ro,bind /; "
NOTHING_IN_MEMORY = "mount -t tmpfs -o ro none /dev/shm; "
IN_MEMORY = "mount -t tmpfs -o size=1m,mode=1777 none /dev/shm; "


def _works(*command: str) -> bool:
    try:
        return subprocess.run(command, capture_output=True, timeout=30, check=False).returncode == 0
    except OSError:
        return False


def _with_read_only_root(prepare: str) -> list[str]:
    return ["unshare", "--mount", "sh", "-c", f'{READ_ONLY}{prepare}{AS_NOBODY} "$@"', "sh"]


needs_namespaces = pytest.mark.skipif(
    not _works(*AS_PROCESS_1, "true"), reason="only root may make process namespaces here"
)
needs_mounts = pytest.mark.skipif(
    not (shutil.which("setpriv") and _works(*_with_read_only_root(NOTHING_IN_MEMORY), "true")),
    reason="only root may mount a read-only root here",
)


@pytest.fixture
def start_within(environment, tmp_path):
    """Start a service of the project within a command that confines it."""
    started = []

    def start(within, name, *, cwd=PROJECT, **changes):
        variables = {**environment, **changes, **({"SERVICE_NAME": name} if cwd == PROJECT else {})}
        command = [*within, sys.executable, "main.py"]
        log = tmp_path / f"{name}-{len(started)}.log"
        started.append(ServiceProcess(name, command, cwd=cwd, environment=variables, log=log))
        return started[-1]

    yield start
    for process in started:
        process.kill()


@pytest.fixture
def queue(broker, unique, provisioned):
    return broker.queue(f"{unique}_orders_cmd")


def process_1(service):
    """The process that is 1 in its own namespace, by its number in ours."""
    service.wait_for("service.starting")
    (found,) = Path(f"/proc/{service.pid}/task/{service.pid}/children").read_text().split()
    return int(found)


@needs_mounts
def test_a_consumer_needs_no_writable_disk_no_user_and_no_home(start_within, queue):
    queue.send({"id": 1})
    orders = start_within(_with_read_only_root(NOTHING_IN_MEMORY), "orders")
    orders.wait_for("order.done")
    assert orders.health()[0] == 200
    assert orders.stop() == 0
    assert orders.events("consumer.stopped", handled=1)
    assert not [line for line in orders.logs if line["level"] in ("warning", "error", "critical")]


@needs_mounts
def test_a_worker_needs_none_of_them_either(start_within):
    job = start_within(_with_read_only_root(NOTHING_IN_MEMORY), "job")
    assert job.status() == 0
    assert job.events("job.done")


@needs_mounts
def test_an_api_needs_dev_shm_which_every_container_has(start_within):
    api = start_within(_with_read_only_root(IN_MEMORY), "api")
    api.wait_until_healthy()
    assert api.stop() == 0


@needs_mounts
def test_an_api_that_may_write_nowhere_says_what_it_needs(start_within):
    api = start_within(_with_read_only_root(NOTHING_IN_MEMORY), "api")
    assert api.status() == 78
    assert "mount a tmpfs" in api.wait_for("service.not_started")["reason"]


@needs_namespaces
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_as_process_1_a_consumer_stops_as_asked(start_within, queue, number):
    queue.send({"id": 1, "sleep": 1})
    orders = start_within(AS_PROCESS_1, "orders")
    orders.wait_for("order.began")
    assert orders.events("service.starting", pid=1)
    os.kill(process_1(orders), number)
    assert orders.status() == 0
    assert orders.events("order.done")


@needs_namespaces
def test_as_process_1_a_second_signal_ends_it_at_once(start_within, queue):
    queue.send({"id": 1, "sleep": 30})
    orders = start_within(AS_PROCESS_1, "orders")
    orders.wait_for("order.began")
    first = process_1(orders)
    os.kill(first, signal.SIGTERM)
    orders.wait_for("consumer.stopping")
    os.kill(first, signal.SIGTERM)
    assert orders.status() == 1
    assert not orders.events("order.done")


@needs_namespaces
def test_as_process_1_a_worker_ends_with_its_own_status(start_within):
    assert start_within(AS_PROCESS_1, "job").status() == 0
    assert start_within(AS_PROCESS_1, "failing_job").status() == 1
    assert start_within(AS_PROCESS_1, "no_such_service").status() == 78


@needs_namespaces
def test_as_process_1_an_api_reaps_what_its_requests_leave_behind(start_within):
    api = start_within(AS_PROCESS_1, "orphans", cwd=CONTAINED, SERVICE_NAME="")
    api.wait_until_healthy()
    for _ in range(3):
        urllib.request.urlopen(urllib.request.Request(f"{api.url}/orphans", method="POST")).close()

    def none_is_left():
        with urllib.request.urlopen(f"{api.url}/processes") as answer:
            return json.load(answer) == {"zombies": 0, "sleeping_children": 0}

    until(none_is_left, "process 1 to reap orphans")
    os.kill(process_1(api), signal.SIGTERM)
    assert api.status() == 0


@needs_namespaces
def test_a_shell_as_process_1_keeps_sigterm_and_is_told_of(start_within, queue):
    orders = start_within([*AS_PROCESS_1, "sh", "-c", 'true; "$@"; exit $?', "sh"], "orders")
    orders.wait_until_healthy()
    assert "write the image's command as a list" in orders.wait_for("signals.kept_by_shell")["reason"]
    os.kill(process_1(orders), signal.SIGTERM)
    queue.send({"id": 1})
    orders.wait_for("order.done")
    assert not orders.events("consumer.stopping")


@needs_namespaces
def test_a_shell_that_hands_over_by_exec_is_none(start_within):
    job = start_within([*AS_PROCESS_1, "sh", "-c", 'exec "$@"', "sh"], "job")
    assert job.status() == 0
    assert job.events("service.starting", pid=1)
    assert not job.events("signals.kept_by_shell")


@pytest.fixture
def limited():
    """A control group of 200 MiB to start a process in; whatever version is here."""
    version_1, version_2 = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")
    is_first = version_1.is_dir()
    folder = (version_1 if is_first else version_2) / f"blackcat-{uuid.uuid4().hex[:8]}"
    try:
        folder.mkdir()
        (folder / ("memory.limit_in_bytes" if is_first else "memory.max")).write_text(str(200 * MIB))
    except OSError:
        if folder.is_dir():
            folder.rmdir()
        pytest.skip("this user may not make control groups here")
    yield folder
    until(lambda: not (folder / "cgroup.procs").read_text(), "the processes of the control group to end")
    folder.rmdir()


def test_a_memory_limit_is_told_at_the_start_and_in_the_health(limited, start_within, queue):
    within = ["sh", "-c", f'echo $$ > {limited}/cgroup.procs; exec "$@"', "sh"]
    orders = start_within(within, "orders")
    orders.wait_until_healthy()
    assert orders.wait_for("service.starting")["memory_limit_bytes"] == 200 * MIB
    _, report = orders.health()
    assert report["memory_limit_bytes"] == 200 * MIB
    assert MIB < report["memory_used_bytes"] < 200 * MIB
    assert orders.stop() == 0


def test_without_a_limit_health_counts_this_process_against_the_machine(start, queue):
    orders = start("orders")
    assert orders.health()[1]["memory_used_bytes"] > MIB
    assert orders.stop() == 0


def test_on_ecs_the_first_line_says_which_task_this_is_and_each_line_its_id(start):
    with stand_in_agent() as agent:
        job = start("job", ECS_CONTAINER_METADATA_URI_V4=agent.metadata_uri)
        assert job.status() == 0
    starting = job.wait_for("service.starting", type="worker", cluster="shop", task_definition="orders:26")
    assert starting["memory_limit_bytes"] == 512 * MIB
    assert starting["cpus"] == 0.25
    assert starting["aws_access_from"] == "environment"
    assert job.events("job.done", task=TASK_ID)
    assert "cluster" not in job.wait_for("job.done")


def test_on_ecs_without_a_role_and_with_too_long_a_stop_the_start_says_so(start):
    with stand_in_agent() as agent:
        job = start(
            "job",
            ECS_CONTAINER_METADATA_URI_V4=agent.metadata_uri,
            AWS_ACCESS_KEY_ID=None,
            SHUTDOWN_TIMEOUT_SECONDS="300",
        )
        assert job.status() == 0
    assert "taskRoleArn" in job.wait_for("credentials.none_given")["reason"]
    assert "kills 120 seconds after SIGTERM" in job.wait_for("shutdown.cut_short")["reason"]


def test_an_ecs_endpoint_that_does_not_answer_keeps_no_service_from_starting(start):
    job = start("job", ECS_CONTAINER_METADATA_URI_V4="http://127.0.0.1:1/v4/x")
    assert job.status() == 0
    assert job.events("task.metadata_not_read")


def test_on_kubernetes_each_line_says_which_pod_this_is(start):
    job = start("job", KUBERNETES_SERVICE_HOST="10.0.0.1", POD_NAME="job-1", POD_NAMESPACE="shop")
    assert job.status() == 0
    assert job.events("service.starting", pod="job-1", namespace="shop")
    assert job.events("job.done", pod="job-1")


def test_task_protection_outside_of_ecs_is_told_and_changes_nothing(start, queue):
    queue.send({"id": 1})
    orders = start("orders", ECS_TASK_PROTECTION="true")
    orders.wait_for("order.done")
    assert "ECS_AGENT_URI is not" in orders.wait_for("task.not_protected")["reason"]
    assert orders.stop() == 0


@pytest.mark.long
def test_a_long_message_protects_its_task(start, queue):
    with stand_in_agent() as agent:
        queue.send({"id": 1, "sleep": 15})
        orders = start("orders", ECS_TASK_PROTECTION="true", ECS_AGENT_URI=agent.uri)
        orders.wait_for("task.protected")
        assert orders.stop() == 0
        assert orders.events("order.done")
        assert agent.puts == [
            {"ProtectionEnabled": True, "ExpiresInMinutes": 15},
            {"ProtectionEnabled": False},
        ]
