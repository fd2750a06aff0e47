"""What a forked child must not touch: its parent's connections."""

from __future__ import annotations

import os
import weakref
from typing import Any, Protocol


class Forgets(Protocol):
    """A pool that starts anew in a forked child."""

    def forget(self) -> None:
        """Drop all connections without closing them, and every lock: another thread may have held it."""
        ...


_pools: weakref.WeakSet[Forgets] = weakref.WeakSet()


def forget_after_fork(pool: Forgets) -> None:
    """Let every child that this process forks begin with a pool of its own."""
    _pools.add(pool)


def never_freed(connection: Any) -> None:
    """Keep it to the very end of this process: freed, its driver would say goodbye in the parent's name."""
    try:
        import ctypes
    except ImportError:  # a Python that was built without libffi
        _kept.append(connection)
    else:
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))


_kept: list[Any] = []


def _forget_all() -> None:
    for pool in list(_pools):
        pool.forget()


os.register_at_fork(after_in_child=_forget_all)
