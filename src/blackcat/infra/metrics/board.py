"""The numbers of several processes side by side: in memory that a process shares with its forks."""

from __future__ import annotations

import json
import mmap
import os
import struct
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from math import inf
from typing import Any
from zlib import crc32

from blackcat.application.events import EventLog
from blackcat.application.recorder import OTHER
from blackcat.domain.metric import Kind, Labels, Measured, Spread
from blackcat.infra.metrics.prometheus import merged

log = EventLog("blackcat.metrics")

# Only what is written takes memory.
_PAGE_BYTES = 1024 * 1024
_HEAD = struct.Struct("<III")  # length, checksum and process
# What sets of labels may take of a page: the rest is for what is recorded without labels.
MAX_SETS_BYTES = _PAGE_BYTES * 3 // 4
# A set of labels around its texts; and the counts of a distribution, of which each step takes some ten.
_SET_BYTES = 64
_DISTRIBUTION_BYTES = 500
# A reader that meets a writer looks again.
_LOOKS = 100


def set_bytes(kind: Kind, name: str, labels: Labels) -> int:
    """About how much of a page a set of labels takes."""
    texts = sum(len(label) + len(json.dumps(text)) + 6 for label, text in labels)
    return len(name) + texts + _SET_BYTES + (_DISTRIBUTION_BYTES if kind == "distribution" else 0)


class Board:
    """A place for each process, which only that process writes and all read.

    What a process wrote last stays when it is killed: its counts go on from there in the process that
    gets its place, so that no sum ever falls; its gauges end with it. Nothing is written to disk.
    """

    def __init__(self, places: int) -> None:
        # Two pages for each place and a byte that tells which one holds: a writer that is killed half-way
        # leaves the other page as it was.
        self._places = places
        self._memory = mmap.mmap(-1, places * (2 * _PAGE_BYTES + 1))
        self._folded: set[str] = set()
        self._left_out: set[str] = set()

    def write(self, place: int, measured: Iterable[Measured]) -> None:
        """What this process has; a metric with more labels than fit is told as one set of them."""
        content = self._fitting(list(measured))
        page = 1 - self._current(place)
        start = self._start(place, page)
        self._memory[start : start + _HEAD.size] = _HEAD.pack(len(content), crc32(content), os.getpid())
        self._memory[start + _HEAD.size : start + _HEAD.size + len(content)] = content
        self._memory[self._mark(place)] = page

    def read(self, place: int) -> list[Measured]:
        """What its process wrote last, without gauges if it ended since; nothing while it has not."""
        for _ in range(_LOOKS):
            start = self._start(place, self._current(place))
            length, checksum, process = _HEAD.unpack(self._memory[start : start + _HEAD.size])
            content = self._memory[start + _HEAD.size : start + _HEAD.size + length]
            if not length:
                return []
            if crc32(content) == checksum:
                found = [_unpacked(one) for one in json.loads(content)]
                return found if _lives(process) else [one for one in found if one.kind != "gauge"]
        return []

    def read_all(self) -> Iterator[list[Measured]]:
        """Each place's numbers; gauges bear its number as the label ``worker``."""
        for place in range(self._places):
            yield [
                replace(one, labels=(*one.labels, ("worker", str(place)))) if one.kind == "gauge" else one
                for one in self.read(place)
            ]

    def _fitting(self, measured: list[Measured]) -> bytes:
        while True:
            shown = [one for one in measured if one.name not in self._left_out]
            packed = [(one.name, json.dumps(_packed(one))) for one in _folded(shown, self._folded)]
            content = f"[{','.join(text for _, text in packed)}]".encode()
            if len(content) <= _PAGE_BYTES - _HEAD.size:
                return content
            sizes: Counter[str] = Counter()
            for name, text in packed:
                sizes[name] += len(text)
            ((largest, size),) = sizes.most_common(1)
            self._shrink(largest, size)

    def _shrink(self, name: str, size: int) -> None:
        is_one = name in self._folded
        (self._left_out if is_one else self._folded).add(name)
        reason = f"metric '{name}' takes too much memory: " + (
            "it is left out" if is_one else f"all its labels are '{OTHER}'"
        )
        log.warning("metrics.not_shared", reason=reason, bytes=size)

    def _current(self, place: int) -> int:
        return self._memory[self._mark(place)]

    def _mark(self, place: int) -> int:
        return self._places * 2 * _PAGE_BYTES + place

    def _start(self, place: int, page: int) -> int:
        return (2 * place + page) * _PAGE_BYTES


def _folded(measured: Iterable[Measured], names: Collection[str]) -> list[Measured]:
    """Each of these metrics with one set of labels; many gauges are no gauge."""
    return merged(
        [replace(one, labels=tuple((label, OTHER) for label, _ in one.labels))]
        if one.name in names
        else [one]
        for one in measured
        if one.name not in names or one.kind != "gauge"
    )


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _packed(one: Measured) -> list[Any]:
    value: Any = one.value
    if isinstance(value, Spread):
        value = {"counts": list(value.counts.items()), "sum": value.sum}
    return [one.name, one.kind, one.labels, value]


def _unpacked(packed: list[Any]) -> Measured:
    name, kind, pairs, value = packed
    labels: Labels = tuple((label, text) for label, text in pairs)
    if isinstance(value, dict):
        value = Spread(counts=dict(value["counts"]), sum=value["sum"], least=inf, most=0.0)
    return Measured(name, kind, labels, value)
