"""MongoDB, through pymongo: one client of the process, whose own pool is as large as ours."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from types import TracebackType
from typing import Any, TypeAlias

import pymongo
from pymongo.database import Database
from pymongo.errors import (
    ConnectionFailure,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
)

from blackcat.application.events import EventLog
from blackcat.application.moment import Moment
from blackcat.application.ports import Clock
from blackcat.arbok.authorities import trusted
from blackcat.arbok.forks import forget_after_fork, never_freed
from blackcat.arbok.leases import Leases
from blackcat.arbok.limits import PoolLimits
from blackcat.arbok.login import Credentials, Login, bared
from blackcat.arbok.options import ConnectOptions
from blackcat.arbok.refusals import refusal
from blackcat.errors import ConfigurationError, RemoteError, StatementTimeout, Unreachable

Document: TypeAlias = dict[str, Any]

SERVICE = "mongodb"

# https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml
_AUTHENTICATION_FAILED = 18

# What MongoPool tells pymongo, and nobody else should; and what would undo TLS.
_OURS = frozenset(
    {
        *("host", "port", "tls", "tlscafile", "tlsallowinvalidhostnames", "username", "password"),
        *("connecttimeoutms", "serverselectiontimeoutms", "timeoutms", "appname", "maxpoolsize"),
        *("maxidletimems", "servermonitoringmode", "ssl", "tlsinsecure", "tlsallowinvalidcertificates"),
    }
)

log = EventLog(__name__)


@dataclass(eq=False)
class _Client:
    """The shared client, and how many blocks use it."""

    client: pymongo.MongoClient[Document]
    login: Login
    opened: Moment
    used: Moment
    process: int
    users: int = 0
    suspect: bool = False


class MongoPool:
    """A database of MongoDB, connected when it is needed. Safe to share between threads.

    pymongo keeps the connections and watches the server with threads of its own, which poll and so do no
    harm after a freeze. A client keeps its credentials for life: when the server refuses them, another one
    takes its place.
    """

    def __init__(
        self,
        *,
        credentials: Credentials,
        options: ConnectOptions,
        limits: PoolLimits,
        clock: Clock,
        extra: Mapping[str, Any],
    ) -> None:
        self._credentials = credentials
        self._options = options
        self._limits = limits
        self._clock = clock
        self._extra = dict(extra)
        if taken := sorted(option for option in extra if option.lower() in _OURS):  # as pymongo reads them
            raise ConfigurationError(f"options: {', '.join(taken)} follow from mongo_pool's own arguments")
        self._leases = Leases(credentials.name, limits, clock)
        # Reentrant: the garbage collector may end a block, of a generator that nobody reads on, in a thread
        # that is in here. Nothing waits for the server with it.
        self._lock = threading.RLock()
        self._current: _Client | None = None
        forget_after_fork(self)

    def __repr__(self) -> str:
        return f"<{SERVICE} pool '{self._credentials.name}' of {self._limits.size}>"

    @contextmanager
    def database(self) -> Iterator[Database[Document]]:
        """The database for the block; ``database.client.start_session()`` begins transactions.

        Raises PoolExhausted when as many blocks as the pool is large run for too long, and else what
        ``connection`` of the other pools raises. All other errors are pymongo's own.
        """
        with self._leases.held():
            shared = self._borrowed()
            try:
                yield shared.client[shared.login.database]
            except PyMongoError as error:
                shared.suspect = True
                if _is_refusal(error):
                    self._retire(shared)
                    error.with_traceback(None)  # its frames are pymongo's, and know the password
                if problem := _problem(error, shared.login):
                    raise problem from error
                raise
            finally:
                self._give_back(shared)

    def check(self) -> None:
        """A round trip to the database, for a health check. Raises what ``database`` raises."""
        with self.database() as database:
            self._ping(database.client)

    def close(self) -> None:
        """Close the client: once no block uses it any more. Used again, the pool opens another one."""
        if (shared := self._current) is not None:
            self._retire(shared)

    def forget(self) -> None:
        """In a forked child: the client is the parent's, and pymongo itself keeps it off its sockets."""
        if self._current is not None:
            never_freed(self._current)
        self._lock = threading.RLock()
        self._current = None
        self._leases.forget()

    def __enter__(self) -> MongoPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _borrowed(self) -> _Client:
        self._retire_expired()
        while (shared := self._joined()) is not None:
            try:
                if not shared.suspect or self._answers(shared):
                    return shared
            except BaseException:  # a signal's
                self._give_back(shared)
                raise
            self._retire(shared)
            self._give_back(shared)
        return self._installed(self._credentials.connect(self._connected))

    def _joined(self) -> _Client | None:
        with self._lock:
            if (shared := self._current) is not None:
                shared.suspect |= self._rested(shared) >= self._limits.check_after
                shared.users += 1
            return shared

    def _installed(self, new: _Client) -> _Client:
        """Who connected at the same time and was second uses the first's."""
        with self._lock:
            shared = self._current = self._current or new
            shared.users += 1
        if shared is not new:
            new.client.close()
        return shared

    def _give_back(self, shared: _Client) -> None:
        if shared.process != os.getpid():
            return  # a child that was forked within a block: the client is its parent's
        shared.used = Moment.now(self._clock)
        with self._lock:
            shared.users -= 1
            unused = shared is not self._current and shared.users == 0
        if unused:
            shared.client.close()

    def _retire(self, shared: _Client) -> None:
        """Lend it no more. The last that uses it closes it."""
        with self._lock:
            if self._current is not shared:
                return
            self._current = None
            unused = shared.users == 0
        if unused:
            shared.client.close()

    def _retire_expired(self) -> None:
        if (shared := self._current) is not None:
            age = Moment.now(self._clock) - shared.opened
            if self._rested(shared) > self._limits.idle or age > self._limits.lifetime:
                self._retire(shared)

    def _rested(self, shared: _Client) -> timedelta:
        return timedelta(0) if shared.users else Moment.now(self._clock) - shared.used

    def _answers(self, shared: _Client) -> bool:
        try:
            self._ping(shared.client)
        except PyMongoError:  # whatever it is, another client takes its place
            log.info(
                "database.connection_lost", database=self._credentials.name, address=shared.login.address
            )
            return False
        shared.suspect = False
        return True

    def _connected(self, login: Login) -> _Client:
        connected = self._attempt(login)
        # Raised here: in no traceback is a frame that knows the password, and no error that quotes it.
        if isinstance(connected, BaseException):
            raise connected
        log.debug("database.connected", database=self._credentials.name, address=login.address)
        now = Moment.now(self._clock)
        return _Client(connected, login, opened=now, used=now, process=os.getpid())

    def _attempt(self, login: Login) -> pymongo.MongoClient[Document] | BaseException:
        try:
            client: pymongo.MongoClient[Document] = pymongo.MongoClient(**self._parameters(login))
        except (PyMongoError, TypeError, ValueError, OSError) as error:
            return ConfigurationError(f"pymongo does not take its options: {login.masked(str(error))}")
        except BaseException as error:  # a signal's
            return bared(error)
        try:
            self._ping(client)
        except Exception as error:  # a server that is none makes pymongo raise anything
            client.close()
            said = str(error) if isinstance(error, PyMongoError) else type(error).__name__
            return refusal(said, login, self._options, service=SERVICE)
        except BaseException as error:  # a signal's
            client.close()
            return bared(error)
        return client

    def _ping(self, client: pymongo.MongoClient[Document]) -> None:
        with pymongo.timeout(self._options.connect_timeout.total_seconds()):
            client.admin.command("ping")

    def _parameters(self, login: Login) -> dict[str, Any]:
        options, limits = self._options, self._limits
        parameters: dict[str, Any] = {
            "host": login.host,
            "port": login.port,
            **_tls(options),
            **({"username": login.username, "password": login.password} if login.username else {}),
            "connectTimeoutMS": options.connect_milliseconds,
            "serverSelectionTimeoutMS": options.connect_milliseconds,
            "timeoutMS": options.statement_milliseconds,
            "appname": options.application_name,
            "maxPoolSize": limits.size,
            "maxIdleTimeMS": int(limits.idle.total_seconds() * 1000),
            # Not a connection kept open for news, which would be found dead after each freeze.
            "serverMonitoringMode": "poll",
        }
        return parameters | self._extra


def mongo_pool(
    credentials: Credentials,
    options: ConnectOptions,
    limits: PoolLimits,
    clock: Clock,
    *,
    extra: Mapping[str, Any],
) -> MongoPool:
    """A pool for that database; nothing is called yet."""
    return MongoPool(credentials=credentials, options=options, limits=limits, clock=clock, extra=extra)


def _tls(options: ConnectOptions) -> dict[str, Any]:
    if options.tls == "disable":
        return {"tls": False}
    authorities = trusted(options.ca_file)
    return {
        "tls": True,
        **({} if authorities == "system" else {"tlsCAFile": authorities}),
        "tlsAllowInvalidHostnames": options.tls == "verify-ca",
    }


def _problem(error: PyMongoError, login: Login) -> RemoteError | None:
    call = {"service": SERVICE, "operation": "execute", "resource": login.address}
    if _is_refusal(error):
        # Not for good: they may have changed since this client was made.
        return Unreachable("a new connection was refused: the next block reads the secret anew", **call)
    if error.timeout and not isinstance(error, ServerSelectionTimeoutError):
        return StatementTimeout("the operation took longer than statement_timeout", **call)
    if isinstance(error, ConnectionFailure):
        return Unreachable("the connection was lost", **call)
    return None


def _is_refusal(error: PyMongoError) -> bool:
    return isinstance(error, OperationFailure) and error.code == _AUTHENTICATION_FAILED
