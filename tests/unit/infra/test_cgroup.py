"""Control groups as they are found in the field, each as the files that a process sees there."""

import os
from pathlib import Path

import pytest

from blackcat.infra.platform.cgroup import ControlGroups

MIB = 1024 * 1024
MEMINFO = "MemTotal:        8000000 kB\nMemFree:  1 kB"
UNLIMITED_V1 = "9223372036854771712"
V2_MOUNT = "30 23 0:26 / /sys/fs/cgroup ro,nosuid,nodev,noexec,relatime - cgroup2 cgroup rw,nsdelegate"

DOCKER_V2 = {
    "proc/self/cgroup": "0::/",
    "proc/self/mountinfo": V2_MOUNT,
    "sys/fs/cgroup/memory.max": "268435456",
    "sys/fs/cgroup/memory.current": "200000000",
    "sys/fs/cgroup/memory.stat": "anon 140000000\nfile 60000000\ninactive_file 50000000",
    "sys/fs/cgroup/cpu.max": "50000 100000",
}
# The pod's limit around a container that has none of its own, seen with the node's names.
POD_V2 = {
    "proc/self/cgroup": "0::/kubepods.slice/pod1.slice/cri-a.scope",
    "proc/self/mountinfo": V2_MOUNT,
    "sys/fs/cgroup/kubepods.slice/memory.max": "max",
    "sys/fs/cgroup/kubepods.slice/cpu.max": "max 100000",
    "sys/fs/cgroup/kubepods.slice/pod1.slice/memory.max": str(512 * MIB),
    "sys/fs/cgroup/kubepods.slice/pod1.slice/memory.current": str(400 * MIB),
    "sys/fs/cgroup/kubepods.slice/pod1.slice/memory.stat": "inactive_file 0",
    "sys/fs/cgroup/kubepods.slice/pod1.slice/cpu.max": "150000 100000",
    "sys/fs/cgroup/kubepods.slice/pod1.slice/cri-a.scope/memory.max": "max",
    "sys/fs/cgroup/kubepods.slice/pod1.slice/cri-a.scope/memory.current": "1",
    "sys/fs/cgroup/kubepods.slice/pod1.slice/cri-a.scope/cpu.max": "max 100000",
}
# Docker without a cgroup namespace: the path is the machine's, what is mounted is the container's part.
DOCKER_V1 = {
    "proc/self/cgroup": "4:memory:/docker/5f1d\n3:cpu,cpuacct:/docker/5f1d\n1:name=systemd:/docker/5f1d",
    "proc/self/mountinfo": (
        "36 31 0:33 /docker/5f1d /sys/fs/cgroup/memory ro,relatime master:19 - cgroup cgroup rw,memory\n"
        "37 31 0:34 /docker/5f1d /sys/fs/cgroup/cpu,cpuacct ro,relatime - cgroup cgroup rw,cpu,cpuacct"
    ),
    "sys/fs/cgroup/memory/memory.limit_in_bytes": "134217728",
    "sys/fs/cgroup/memory/memory.usage_in_bytes": "100000000",
    "sys/fs/cgroup/memory/memory.stat": "inactive_file 1\ntotal_inactive_file 30000000",
    "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "25000",
    "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000",
}
# Both at once (systemd's hybrid), without any limit.
HYBRID = {
    "proc/self/cgroup": "4:memory:/user.slice\n1:cpu:/\n0::/user.slice",
    "proc/self/mountinfo": (
        "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
        "32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu\n"
        "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw"
    ),
    "sys/fs/cgroup/unified/user.slice/cgroup.procs": "1",
    "sys/fs/cgroup/memory/memory.limit_in_bytes": UNLIMITED_V1,
    "sys/fs/cgroup/memory/user.slice/memory.limit_in_bytes": UNLIMITED_V1,
    "sys/fs/cgroup/memory/user.slice/memory.usage_in_bytes": "7",
    "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1",
    "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
}
# Moved out of its cgroup namespace's root.
MOVED_V2 = {**DOCKER_V2, "proc/self/cgroup": "0::/../other"}
# The folder that /proc names is not among those mounted.
ELSEWHERE_V2 = {**DOCKER_V2, "proc/self/cgroup": "0::/ecs/4711/5f1d"}


@pytest.fixture
def found(tmp_path):
    def build(files):
        for name, text in {"proc/meminfo": MEMINFO, **files}.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{text}\n")
        return ControlGroups(tmp_path)

    return build


@pytest.mark.parametrize(
    ("files", "limit", "used", "cpus"),
    [
        pytest.param(DOCKER_V2, 256 * MIB, 150_000_000, 0.5, id="docker, version 2"),
        pytest.param(POD_V2, 512 * MIB, 400 * MIB, 1.5, id="a pod's limit, version 2"),
        pytest.param(DOCKER_V1, 128 * MIB, 70_000_000, 0.25, id="docker, version 1"),
        pytest.param(HYBRID, None, 7, None, id="both versions, no limit"),
        pytest.param(MOVED_V2, 256 * MIB, 150_000_000, 0.5, id="moved"),
        pytest.param(ELSEWHERE_V2, 256 * MIB, 150_000_000, 0.5, id="named as elsewhere"),
        pytest.param({}, None, None, None, id="nothing is there"),
    ],
)
def test_limits_and_use(found, files, limit, used, cpus):
    groups = found(files)
    assert groups.memory_limit() == limit
    assert groups.memory_used() == used
    assert groups.cpus() == cpus


@pytest.mark.parametrize(
    "changes",
    [
        {"sys/fs/cgroup/memory.max": "", "sys/fs/cgroup/cpu.max": ""},
        {"sys/fs/cgroup/memory.max": "much", "sys/fs/cgroup/cpu.max": "50000"},
        {"sys/fs/cgroup/memory.max": "-1", "sys/fs/cgroup/cpu.max": "50000 0"},
        {"proc/self/mountinfo": "garbage - \n\n30 23", "sys/fs/cgroup/cpu.max": "1 1"},
        {"proc/self/cgroup": "no colons here"},
    ],
)
def test_what_cannot_be_read_is_no_limit(found, changes):
    groups = found({**DOCKER_V2, **changes})
    assert groups.memory_limit() is None
    assert groups.cpus() is None


def test_a_limit_beyond_the_machine_is_none(found):
    assert found({**DOCKER_V2, "sys/fs/cgroup/memory.max": "999999999999999"}).memory_limit() is None


def test_the_machine_and_this_process(found):
    groups = found({"proc/self/statm": "5000 300 100 1 0 200 0"})
    assert groups.machine_memory() == 8_000_000 * 1024
    assert groups.resident() == 300 * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="this system has no /proc")
def test_here_a_process_is_smaller_than_the_machine():
    groups = ControlGroups()
    machine, resident = groups.machine_memory(), groups.resident()
    assert machine
    assert resident
    assert 0 < resident < machine
