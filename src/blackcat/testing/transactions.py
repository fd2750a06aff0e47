"""Transactions across tables in memory."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from blackcat.application.clock import SystemClock
from blackcat.application.ports import Clock, Delete, Item, Save, Table, Write
from blackcat.application.transactions import canceled, place_of_key, place_of_write, require_valid
from blackcat.domain.item import stored
from blackcat.errors import ConditionFailed, InvalidRequest, RemoteError
from blackcat.testing.tables import InMemoryTable

# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
TOKEN_LIFE = timedelta(minutes=10)


class InMemoryTransactions:
    """Transactions across InMemoryTables. Safe to share between threads.

    A token is forgotten ten minutes later by ``clock``.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._done: dict[str, tuple[datetime, Any]] = {}

    def write(self, writes: Iterable[Write], *, token: str | None = None) -> None:
        wanted = list(writes)
        require_valid([place_of_write(write) for write in wanted], token)
        # One lock before those of the tables: a token and its writes are seen together or not at all.
        with self._lock, _locked(write.table for write in wanted):
            if token is not None and self._is_done(token, wanted):
                return
            _carry_out(wanted)
            if token is not None:
                self._done[token] = (self._clock.now(), _content(wanted))

    def read(self, items: Iterable[tuple[Table, Item]]) -> list[dict[str, Any] | None]:
        wanted = list(items)
        require_valid([place_of_key(table, key) for table, key in wanted])
        with _locked(table for table, _ in wanted):
            return [table.get(key) for table, key in wanted]

    def _is_done(self, token: str, writes: list[Write]) -> bool:
        since, content = self._done.get(token, (None, None))
        if since is None or self._clock.now() - since >= TOKEN_LIFE:
            return False
        if content != _content(writes):
            raise InvalidRequest(
                "another transaction was written with the same token within ten minutes",
                code="IdempotentParameterMismatchException",
            )
        return True


@contextlib.contextmanager
def _locked(tables: Iterable[Table]) -> Iterator[None]:
    distinct = {table.name: _in_memory(table) for table in tables}
    with contextlib.ExitStack() as locks:
        for name in sorted(distinct):  # in one order, or two transactions could wait for each other
            locks.enter_context(distinct[name].lock)
        yield


def _in_memory(table: Table) -> InMemoryTable:
    if not isinstance(table, InMemoryTable):
        raise InvalidRequest("InMemoryTransactions writes to InMemoryTables only", resource=table.name)
    return table


def _carry_out(writes: list[Write]) -> None:
    failures: dict[int, RemoteError] = {}
    for position, write in enumerate(writes):
        try:
            _check(write)
        except ConditionFailed as error:
            failures[position] = error
    if failures:
        raise canceled(failures)
    for write in writes:
        _apply(write)


def _check(write: Write) -> None:
    if write.version is not None:
        _, *where = place_of_write(write)
        table = _in_memory(write.table)
        table.require_version(tuple(where), write.version, if_new=not isinstance(write, Delete))


def _apply(write: Write) -> None:
    if isinstance(write, Save):
        write.table.save(write.item, version=write.version)
    elif isinstance(write, Delete):
        write.table.delete(write.key, version=write.version)


def _content(writes: list[Write]) -> list[Any]:
    return [
        (type(write), place_of_write(write), write.version, _item(write) if isinstance(write, Save) else None)
        for write in writes
    ]


def _item(save: Save) -> dict[str, Any]:
    return stored(save.item, save.table.resource)
