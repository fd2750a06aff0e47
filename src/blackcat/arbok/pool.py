"""The pool of those databases whose connections serve one borrower at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Generic, Protocol, TypeVar

from blackcat.application.events import EventLog
from blackcat.application.moment import Moment
from blackcat.application.ports import Clock
from blackcat.arbok.forks import forget_after_fork, never_freed
from blackcat.arbok.leases import Leases
from blackcat.arbok.limits import PoolLimits
from blackcat.arbok.login import Credentials, Login
from blackcat.errors import RemoteError, Unreachable

C = TypeVar("C")

log = EventLog(__name__)


class Driver(Protocol[C]):
    """What the pool needs of a database's own library; its errors are the library's unless it says else."""

    @property
    def service(self) -> str:
        """The database's name in errors and logs."""
        ...

    def connect(self, login: Login) -> C:
        """A connection with autocommit off. Raises RemoteError: AccessDenied for refused credentials."""
        ...

    def stirred(self, connection: C) -> bool:
        """Whether something came while it was idle, such as its end; False where that cannot be known."""
        ...

    def check(self, connection: C) -> None:
        """A round trip."""
        ...

    def commit(self, connection: C) -> None:
        """Raises an error also where a failed statement keeps the server from committing."""
        ...

    def rollback(self, connection: C) -> None: ...

    def clean(self, connection: C) -> bool:
        """Put it and its session back as ``connect`` made them; False when that cannot be done."""
        ...

    def close(self, connection: C) -> None: ...

    def translated(self, error: BaseException, connection: C) -> tuple[type[RemoteError], str] | None:
        """What to raise for a lost connection or a statement that took too long; None for all others."""
        ...


@dataclass(eq=False)
class _Pooled(Generic[C]):
    connection: C
    address: str
    generation: object
    process: int
    opened: Moment
    used: Moment
    suspect: bool = False

    @property
    def is_ours(self) -> bool:
        """Not in a child that was forked within a block."""
        return self.process == os.getpid()


class Pool(Generic[C]):
    """Connections to one database, opened when they are needed. Safe to share between threads.

    No thread belongs to it: one that counts on time to pass while it sleeps would be wrong after a freeze,
    and would not exist in a forked child. It looks at the time whenever it is used instead. Nor has it a
    lock, for the reason that Leases gives.
    """

    def __init__(
        self, driver: Driver[C], *, credentials: Credentials, limits: PoolLimits, clock: Clock
    ) -> None:
        self._driver = driver
        self._credentials = credentials
        self._limits = limits
        self._clock = clock
        self._leases = Leases(credentials.name, limits, clock)
        self._idle: list[_Pooled[C]] = []  # the one that was used last is the last
        self._generation = object()
        forget_after_fork(self)

    def __repr__(self) -> str:
        return f"<{self._driver.service} pool '{self._credentials.name}' of {self._limits.size}>"

    @contextmanager
    def connection(self) -> Iterator[C]:
        """A connection for the block, in a transaction: committed at its end, rolled back on an error.

        Raises PoolExhausted when all are in use for too long, Unreachable when the database does not
        answer or the connection is lost, AccessDenied when it refuses the credentials, also those that
        the secret holds now, StatementTimeout, InvalidSecret for a secret that lacks a key, and whatever
        reading the secret raises. All other errors are the driver's own.
        """
        with self._leases.held(), self._lent() as pooled:
            with self._translated(pooled, "execute"), self._undone_on_error(pooled):
                yield pooled.connection
            if pooled.is_ours:
                with self._translated(pooled, "commit"), self._undone_on_error(pooled):
                    self._driver.commit(pooled.connection)

    def check(self) -> None:
        """A round trip to the database, for a health check. Raises what ``connection`` raises."""
        with self.connection() as connection:
            self._driver.check(connection)

    def close(self) -> None:
        """Close the connections: those in use once they come back. Used again, the pool opens new ones."""
        self._generation = object()
        self._close_expired()

    def forget(self) -> None:
        """In a forked child: the connections are the parent's."""
        for pooled in self._idle:
            never_freed(pooled.connection)
        self._idle = []
        self._leases.forget()

    def __enter__(self) -> Pool[C]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def _lent(self) -> Iterator[_Pooled[C]]:
        pooled = self._usable() or self._opened()
        try:
            yield pooled
        finally:
            if pooled.is_ours:
                self._give_back(pooled)
            else:
                never_freed(pooled.connection)

    @contextmanager
    def _translated(self, pooled: _Pooled[C], operation: str) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            known = self._driver.translated(error, pooled.connection)
            if known is None:
                raise
            kind, detail = known
            if kind is Unreachable and operation == "commit":
                detail = f"{detail}: what was written may be there, or not"
            call = {"service": self._driver.service, "operation": operation, "resource": pooled.address}
            raise kind(detail, **call) from error

    @contextmanager
    def _undone_on_error(self, pooled: _Pooled[C]) -> Iterator[None]:
        try:
            yield
        except BaseException:
            if pooled.is_ours:
                self._undo(pooled)
            raise

    def _undo(self, pooled: _Pooled[C]) -> None:
        pooled.suspect = True
        try:
            self._driver.rollback(pooled.connection)
        except Exception:  # the connection is lost, and with it the transaction; what led here is told
            log.debug("database.not_rolled_back", database=self._credentials.name)

    def _usable(self) -> _Pooled[C] | None:
        while pooled := self._taken():
            if self._is_alive(pooled):
                return pooled
            self._close(pooled)
        return None

    def _taken(self) -> _Pooled[C] | None:
        self._close_expired()
        try:
            return self._idle.pop()
        except IndexError:
            return None

    def _is_alive(self, pooled: _Pooled[C]) -> bool:
        rested = Moment.now(self._clock) - pooled.used
        if not (
            pooled.suspect or rested >= self._limits.check_after or self._driver.stirred(pooled.connection)
        ):
            return True
        try:
            self._driver.check(pooled.connection)
            self._driver.rollback(pooled.connection)
        except Exception:  # whatever it is, another connection takes its place
            log.info(
                "database.connection_lost",
                database=self._credentials.name,
                address=pooled.address,
                idle_seconds=round(rested.total_seconds(), 1),
            )
            return False
        pooled.suspect = False
        return True

    def _opened(self) -> _Pooled[C]:
        return self._credentials.connect(self._connected)

    def _connected(self, login: Login) -> _Pooled[C]:
        generation = self._generation
        connection = self._driver.connect(login)
        now = Moment.now(self._clock)
        log.debug("database.connected", database=self._credentials.name, address=login.address)
        return _Pooled(connection, login.address, generation, os.getpid(), opened=now, used=now)

    def _give_back(self, pooled: _Pooled[C]) -> None:
        pooled.used = Moment.now(self._clock)
        if not self._is_clean(pooled):
            self._close(pooled)
            return
        self._idle.append(pooled)
        self._close_expired()

    def _is_clean(self, pooled: _Pooled[C]) -> bool:
        try:
            return self._driver.clean(pooled.connection)
        except Exception:  # it is lost, and what happened in the block is to be told instead
            return False

    def _close_expired(self) -> None:
        now = Moment.now(self._clock)
        for pooled in list(self._idle):
            if self._expired(pooled, now) and self._removed(pooled):
                self._close(pooled)

    def _expired(self, pooled: _Pooled[C], now: Moment) -> bool:
        return (
            pooled.generation is not self._generation
            or now - pooled.used > self._limits.idle
            or now - pooled.opened > self._limits.lifetime
        )

    def _removed(self, pooled: _Pooled[C]) -> bool:
        """False when another thread has taken it meanwhile."""
        try:
            self._idle.remove(pooled)
        except ValueError:
            return False
        return True

    def _close(self, pooled: _Pooled[C]) -> None:
        try:
            self._driver.close(pooled.connection)
        except Exception:  # it is gone already
            log.debug("database.not_closed", database=self._credentials.name)
