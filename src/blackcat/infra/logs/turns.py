"""Whose turn it is to write a line, among the processes that a fork gave the same standard output."""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

_POLL_SECONDS = 0.001


@contextmanager
def one_at_a_time(patience: float) -> Iterator[bool]:
    """Whether it is this process's turn, within ``patience`` seconds; the threads of one are not told apart.

    A pipe takes longer lines in pieces, and others' would stand between them. The kernel ends the turn of
    a process that is killed.
    """
    deadline = time.monotonic() + patience
    while not _taken():
        if time.monotonic() >= deadline:
            yield False
            return
        time.sleep(_POLL_SECONDS)
    try:
        yield True
    finally:
        _set(fcntl.LOCK_UN)


def _taken() -> bool:
    try:
        _set(fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _set(operation: int) -> None:
    # Not flock: that lock would belong to all who inherit the file.
    if _file is None:
        return
    try:
        fcntl.lockf(_file, operation)
    except BlockingIOError:
        raise
    except OSError:  # somebody closed what was not theirs: lines may mix, but are written
        return


def _nameless_file() -> int | None:
    try:
        if hasattr(os, "memfd_create"):  # a container's disk may be read-only
            return os.memfd_create("log")
        with tempfile.TemporaryFile() as file:
            return os.dup(file.fileno())
    except OSError:
        return None


# Made before any fork, and kept: closing it anywhere in a process would end its turn.
_file = _nameless_file()
