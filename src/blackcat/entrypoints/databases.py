"""The pools of this process: from a secret to a database."""

from __future__ import annotations

import atexit
import importlib
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from blackcat.application.clock import SystemClock
from blackcat.application.secrets import Secret
from blackcat.arbok.limits import PoolLimits
from blackcat.arbok.login import Credentials
from blackcat.arbok.options import ConnectOptions, Tls
from blackcat.errors import ConfigurationError
from blackcat.resources import SecretResource

if TYPE_CHECKING:
    from blackcat.arbok.mongo import MongoPool
    from blackcat.arbok.odbc import OdbcPool
    from blackcat.arbok.postgres import PostgresPool

_STATEMENT_TIMEOUT = timedelta(seconds=30)
_CONNECT_TIMEOUT = timedelta(seconds=5)
_LIMITS = PoolLimits()
_NO_OPTIONS: Mapping[str, Any] = MappingProxyType({})


def postgres_pool(
    secret: str | SecretResource,
    *,
    host: str | None = None,
    port: int | None = None,
    database: str | None = None,
    tls: Tls = "verify-full",
    ca_file: str | Path | None = None,
    statement_timeout: timedelta | None = _STATEMENT_TIMEOUT,
    connect_timeout: timedelta = _CONNECT_TIMEOUT,
    application_name: str | None = None,
    limits: PoolLimits = _LIMITS,
) -> PostgresPool:
    """The process's pool for a database of Postgres, by the name or ARN of its secret.

    The secret holds ``host``, ``port``, ``username``, ``password`` and ``dbname``, as those of RDS do; what
    is given here goes first. Nothing is called before a connection is needed; the same arguments give the
    same pool. ``application_name`` is SERVICE_NAME unless it is given. Raises ConfigurationError for
    arguments that cannot work, and when the extra ``blackcat[postgres]`` is missing.
    """
    options = _options(tls, ca_file, statement_timeout, connect_timeout, application_name)
    asked = _Asked("postgres", _resource(secret), options, limits, host, port, database)
    pool: PostgresPool = _pools.the(asked)
    return pool


def odbc_pool(
    secret: str | SecretResource,
    *,
    driver: str = "PostgreSQL Unicode",
    host: str | None = None,
    port: int | None = None,
    database: str | None = None,
    tls: Tls = "verify-full",
    ca_file: str | Path | None = None,
    statement_timeout: timedelta | None = _STATEMENT_TIMEOUT,
    connect_timeout: timedelta = _CONNECT_TIMEOUT,
    application_name: str | None = None,
    limits: PoolLimits = _LIMITS,
) -> OdbcPool:
    """The process's pool for a database of Postgres through ODBC; as ``postgres_pool``.

    ``driver`` is psqlODBC's Unicode driver, by its name in odbcinst.ini or by its file.
    """
    options = _options(tls, ca_file, statement_timeout, connect_timeout, application_name)
    asked = _Asked("odbc", _resource(secret), options, limits, host, port, database, {"driver": driver})
    pool: OdbcPool = _pools.the(asked)
    return pool


def mongo_pool(
    secret: str | SecretResource,
    *,
    host: str | None = None,
    port: int | None = None,
    database: str | None = None,
    tls: Tls = "verify-full",
    ca_file: str | Path | None = None,
    statement_timeout: timedelta | None = _STATEMENT_TIMEOUT,
    connect_timeout: timedelta = _CONNECT_TIMEOUT,
    application_name: str | None = None,
    limits: PoolLimits = _LIMITS,
    authenticate: bool = True,
    options: Mapping[str, Any] = _NO_OPTIONS,
) -> MongoPool:
    """The process's pool for a database of MongoDB or DocumentDB; as ``postgres_pool``.

    ``authenticate=False`` is for a server on this machine without users: the secret then needs no
    ``username`` and ``password``. ``options`` are keywords of pymongo.MongoClient besides those that the
    other arguments set, such as ``{"replicaSet": "rs0", "retryWrites": False}`` for DocumentDB.
    """
    shared = _options(tls, ca_file, statement_timeout, connect_timeout, application_name)
    extra = {"extra": dict(options)}
    asked = _Asked("mongo", _resource(secret), shared, limits, host, port, database, extra, authenticate)
    pool: MongoPool = _pools.the(asked)
    return pool


def close_databases() -> None:
    """Close every pool of this process; used again, they connect again.

    Called when the process ends. Call it before a snapshot of the process is taken (Lambda SnapStart).
    """
    _pools.close()


@dataclass(frozen=True)
class _Asked:
    """What makes two pools the same."""

    kind: str
    secret: SecretResource
    options: ConnectOptions
    limits: PoolLimits
    host: str | None
    port: int | None
    database: str | None
    extra: Mapping[str, Any] = field(default_factory=dict)
    authenticate: bool = True

    def pool(self) -> Any:
        """A new one. Raises ConfigurationError when the driver is not installed."""
        try:
            module = importlib.import_module(f"blackcat.arbok.{self.kind}")
        except ImportError as error:
            library = " and the library of unixODBC" if self.kind == "odbc" else ""
            raise ConfigurationError(
                f"{self.kind}_pool needs an extra{library} ({error}): pip install 'blackcat[{self.kind}]'"
            ) from error
        build = getattr(module, f"{self.kind}_pool")
        return build(self._credentials(), self.options, self.limits, SystemClock(), **self.extra)

    def _credentials(self) -> Credentials:
        return Credentials(
            name=self.secret.name,
            secret=self._secret,
            host=self.host,
            port=self.port,
            database=self.database,
            authenticate=self.authenticate,
        )

    def _secret(self) -> Secret:
        """Asked for at each connect: a forked child has a cache of its own."""
        from blackcat.entrypoints.connections import connect  # boto3, which a declaration need not pay for

        return connect(self.secret)


class _Pools:
    """Those of this process. Safe to share between threads, and with forked children."""

    def __init__(self) -> None:
        self._made: list[tuple[_Asked, Any]] = []
        self._lock = threading.Lock()

    def the(self, asked: _Asked) -> Any:
        """The one that was asked for in the same way before, or a new one."""
        with self._lock:
            for known, pool in self._made:
                if known == asked:
                    return pool
            pool = asked.pool()
            self._made.append((asked, pool))
            return pool

    def close(self) -> None:
        for _, pool in list(self._made):
            pool.close()

    def unlock(self) -> None:
        """In a forked child: another thread of the parent may have held it."""
        self._lock = threading.Lock()


def _options(
    tls: Tls,
    ca_file: str | Path | None,
    statement_timeout: timedelta | None,
    connect_timeout: timedelta,
    application_name: str | None,
) -> ConnectOptions:
    if ca_file is not None and not Path(ca_file).is_file():
        raise ConfigurationError(f"ca_file: there is no file '{ca_file}'")
    return ConnectOptions(
        tls=tls,
        ca_file=str(ca_file) if ca_file else None,
        statement_timeout=statement_timeout,
        connect_timeout=connect_timeout,
        application_name=application_name or os.environ.get("SERVICE_NAME") or "blackcat",
    )


def _resource(secret: str | SecretResource) -> SecretResource:
    return secret if isinstance(secret, SecretResource) else SecretResource(secret)


_pools = _Pools()
os.register_at_fork(after_in_child=_pools.unlock)
atexit.register(close_databases)
