"""What the kernel lets this process use: its control groups, version 2 and 1, and the machine around them.

https://docs.kernel.org/admin-guide/cgroup-v2.html
https://docs.kernel.org/admin-guide/cgroup-v1/memory.html
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_MACHINE = Path("/")


@dataclass(frozen=True)
class _Group:
    """One control group: its folder, and the names that its version gives to what it holds."""

    folder: Path
    version: int

    def memory_limit(self) -> int | None:
        return _number(self.folder / ("memory.max" if self.version == 2 else "memory.limit_in_bytes"))

    def memory_used(self) -> int | None:
        """Without the part of the file cache that the kernel gives back first, as Kubernetes counts it."""
        used = _number(self.folder / ("memory.current" if self.version == 2 else "memory.usage_in_bytes"))
        if used is None:
            return None
        cache = "inactive_file" if self.version == 2 else "total_inactive_file"
        return max(0, used - _fields(self.folder / "memory.stat").get(cache, 0))

    def cpus(self) -> float | None:
        if self.version == 2:
            quota, _, period = _text(self.folder / "cpu.max").partition(" ")
        else:
            quota = _text(self.folder / "cpu.cfs_quota_us")
            period = _text(self.folder / "cpu.cfs_period_us")
        if not (quota.isdigit() and period.isdigit() and int(period)):  # "max", "-1", or no such file
            return None
        return int(quota) / int(period)


class ControlGroups:
    """The groups of this process from its own outwards, as far as its container can see them.

    A limit of a group around it (a pod's, a slice's) holds as much as its own: the least one counts. On a
    system without control groups there is none. ``root`` is the file system to look at.
    """

    def __init__(self, root: Path = _MACHINE) -> None:
        self._root = root
        self._memory = tuple(_groups(root, "memory"))
        self._cpu = tuple(_groups(root, "cpu"))

    def memory_limit(self) -> int | None:
        """Bytes; None when nothing less than the machine's memory limits them."""
        tightest = self._tightest()
        return tightest.memory_limit() if tightest else None

    def memory_used(self) -> int | None:
        """Bytes that count towards that limit; of this process's own group when there is none."""
        tightest = self._tightest()
        groups = (tightest,) if tightest else self._memory
        return next((used for group in groups if (used := group.memory_used()) is not None), None)

    def cpus(self) -> float | None:
        """Processors by quota, such as 0.25; None without one."""
        return min((quota for group in self._cpu if (quota := group.cpus()) is not None), default=None)

    def machine_memory(self) -> int | None:
        """Bytes of the machine, or of the virtual machine around a Fargate task."""
        total = _fields(self._root / "proc/meminfo").get("MemTotal")
        return total * 1024 if total else None

    def resident(self) -> int | None:
        """Bytes of this one process in memory."""
        pages = _text(self._root / "proc/self/statm").split()
        return int(pages[1]) * os.sysconf("SC_PAGE_SIZE") if len(pages) > 1 else None

    def _tightest(self) -> _Group | None:
        most = self.machine_memory()
        limits = [(limit, group) for group in self._memory if (limit := group.memory_limit()) is not None]
        least = min(limits, key=lambda one: one[0], default=None)
        # Version 1 says "no limit" by a number larger than any memory.
        return None if least is None or (most is not None and least[0] >= most) else least[1]


def _groups(root: Path, controller: str) -> Iterator[_Group]:
    """Both versions may be there at once; which one has the controller, its files tell."""
    for version, named in ((2, _is_unified), (1, _has(controller))):
        for folder in _folders(root, version, named):
            yield _Group(folder, version)


def _is_unified(controllers: Sequence[str]) -> bool:
    return list(controllers) == [""]


def _has(controller: str) -> Callable[[Sequence[str]], bool]:
    return lambda controllers: controller in controllers


def _folders(root: Path, version: int, named: Callable[[Sequence[str]], bool]) -> Iterator[Path]:
    """This process's folder and those around it, up to where the hierarchy is mounted."""
    path = _own_path(root, named)
    mounted = _mounted(root, version, named)
    if path is None or mounted is None:
        return
    origin, top = mounted
    inside = Path(path)
    # Under another root than ours (a container that sees the machine's names), the mount shows our own.
    below = inside.relative_to(origin) if inside.is_relative_to(origin) else Path()
    own = top / below
    if ".." in below.parts or not own.is_dir():
        own = top
    while True:
        yield own
        if own == top:
            return
        own = own.parent


def _own_path(root: Path, named: Callable[[Sequence[str]], bool]) -> str | None:
    """From lines such as ``0::/docker/5f1d`` or ``4:cpu,cpuacct:/docker/5f1d``."""
    for line in _text(root / "proc/self/cgroup").splitlines():
        parts = line.split(":", 2)
        if len(parts) == 3 and named(parts[1].split(",")):
            return parts[2]
    return None


def _mounted(root: Path, version: int, named: Callable[[Sequence[str]], bool]) -> tuple[str, Path] | None:
    """Which part of the hierarchy is mounted, and where.

    https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html
    """
    for line in _text(root / "proc/self/mountinfo").splitlines():
        place, _, system = line.partition(" - ")
        before, after = place.split(), system.split()
        if len(before) < 5 or len(after) < 3:
            continue
        kind, controllers = after[0], after[2].split(",")
        is_ours = kind == "cgroup2" if version == 2 else kind == "cgroup" and named(controllers)
        if is_ours:
            return before[3], root / before[4].lstrip("/")
    return None


def _fields(path: Path) -> dict[str, int]:
    """Lines such as ``inactive_file 4096`` or ``MemTotal:  2048 kB``."""
    pairs = (line.replace(":", " ").split() for line in _text(path).splitlines())
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) > 1 and pair[1].isdigit()}


def _number(path: Path) -> int | None:
    text = _text(path)
    return int(text) if text.isdigit() else None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""
