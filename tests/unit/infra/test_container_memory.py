import logging

import pytest

from blackcat.application.metrics import NoMetrics, metrics
from blackcat.application.recorder import Recorder
from blackcat.infra.platform.cgroup import ControlGroups
from blackcat.infra.platform.container_memory import ContainerMemory, MemoryUse, MemoryWatch

MIB = 1024 * 1024


@pytest.fixture
def watch():
    """A watch, and the percentages that it reads, one after the other."""
    percents = []
    return MemoryWatch(lambda: MemoryUse(percents.pop(0) * MIB, 100 * MIB, limited=True)), percents


def events(caplog):
    return [record.message for record in caplog.records]


def test_it_is_told_once_until_it_was_clearly_less(watch, caplog):
    caplog.set_level(logging.INFO)
    looking, percents = watch
    percents += [89, 90, 95, 99, 85, 91, 79, 80, 90]
    for _ in list(percents):
        looking.look()
    assert events(caplog) == ["memory.near_limit", "memory.eased", "memory.near_limit"]
    assert "90 of 100 MiB are used" in caplog.records[0].fields["reason"]


def test_without_a_limit_it_says_nothing(caplog):
    MemoryWatch(lambda: MemoryUse(99, 100, limited=False)).look()
    MemoryWatch(lambda: None).look()
    assert events(caplog) == []


@pytest.mark.parametrize(
    ("own", "task", "limit", "used"),
    [
        (64, None, 64, 48),
        (64, 512, 64, 48),
        (64, 32, 32, 48),
        (None, 512, 512, 48),
        (None, None, 1024, 16),  # the machine's memory, and this process alone
        (None, 4096, 1024, 48),
    ],
)
def test_the_least_limit_counts(tmp_path, own, task, limit, used):
    files = {
        "proc/meminfo": f"MemTotal: {1024 * 1024} kB",
        "proc/self/statm": f"1 {16 * 256} 1 1 0 1 0",
        "proc/self/cgroup": "0::/",
        "proc/self/mountinfo": "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup rw",
        "sys/fs/cgroup/memory.max": str(own * MIB) if own else "max",
        "sys/fs/cgroup/memory.current": str(48 * MIB),
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    memory = ContainerMemory(ControlGroups(tmp_path), task_limit=task * MIB if task else None)
    use = memory.use()
    assert (memory.limit, use.used, use.limited) == (limit * MIB, used * MIB, bool(own or task))
    assert use.fields() == {"memory_used_bytes": used * MIB, "memory_limit_bytes": limit * MIB}


def test_where_nothing_tells_there_is_nothing(tmp_path):
    memory = ContainerMemory(ControlGroups(tmp_path))
    assert (memory.limit, memory.use()) == (None, None)


@pytest.fixture
def recorder():
    kept = Recorder()
    metrics.use(kept)
    yield kept
    metrics.use(NoMetrics())


def test_the_gauges_follow(watch, recorder):
    looking, percents = watch
    percents += [50, 60]
    looking.look()
    looking.look()
    gauges = {one.name: one.value for one in recorder.collected()}
    assert gauges == {"blackcat_memory_used_bytes": 60 * MIB, "blackcat_memory_limit_bytes": 100 * MIB}
