"""The three databases, each as the contract of pools sees it."""

from __future__ import annotations

import contextlib
import os
import threading
import time
import uuid
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from blackcat.application.secrets import CachedSecrets
from blackcat.arbok.limits import PoolLimits
from blackcat.arbok.login import Credentials
from blackcat.arbok.options import ConnectOptions
from blackcat.domain.secret import CURRENT
from blackcat.infra.postgres_server import PostgresDatabase
from blackcat.testing import FrozenClock, InMemorySecretStore
from mongo_server import MongoUsers
from tls_relay import Relay

SECRET = "app/database"
_TERMINATE = "pg_terminate_backend(pid, 10000)"  # returns once they are gone
# In a connection string each of these would mean something; the user and the host are shown in errors.
CANARY = "c4n4ry };='\\ {"
LOCAL = ConnectOptions(tls="disable", connect_timeout=timedelta(seconds=2))


def canary() -> str:
    """A password that nothing may show."""
    return f"{CANARY}{uuid.uuid4().hex}"


class Subject(Protocol):
    """A database whose one user is ``app``, and the secret that lets in."""

    vault: InMemorySecretStore
    clock: Suspended
    relay: Relay
    password: str

    def pool(self, options: ConnectOptions = LOCAL, **limits: Any) -> Any: ...

    def block(self, pool: Any) -> AbstractContextManager[Any]: ...

    def ask(self, lent: Any) -> object:
        """A round trip; what tells this connection from others."""
        ...

    def sleep(self, lent: Any) -> None:
        """A statement that takes a minute."""
        ...

    def kill(self) -> None:
        """End all connections of the user, from the server's side."""
        ...

    def change_password(self) -> None:
        """In the database, not in the secret."""
        ...

    def behind(self, tls: tuple[Path, Path]) -> AbstractContextManager[int]:
        """A port where the database speaks TLS."""
        ...


class Suspended(FrozenClock):
    """A clock of a machine that may be suspended: the date goes on, and nothing else does."""

    def __init__(self) -> None:
        super().__init__()
        self._asleep = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self._asleep

    def sleep(self, time: timedelta) -> None:
        self._asleep += time


class _Kept:
    """The secret, as a service has it."""

    password: str

    def __init__(self, host: str, port: int, user: str, database: str) -> None:
        self.clock = Suspended()
        self.vault = InMemorySecretStore()
        self.secrets = CachedSecrets(self.vault, clock=self.clock)
        self.fields: dict[str, Any] = {"host": host, "port": port, "username": user, "dbname": database}

    def store(self, *, stage: str = CURRENT, without: str = "", **changed: Any) -> None:
        """A version of the secret with the password that the database has now."""
        content = {**self.fields, "password": self.password, **changed}
        content.pop(without, None)
        self.vault.put(SECRET, content, stage=stage)

    def rotate(self) -> None:
        self.change_password()
        self.store()

    def change_password(self) -> None:
        raise NotImplementedError

    def credentials(self) -> Credentials:
        return Credentials(name=SECRET, secret=lambda: self.secrets.secret(SECRET))


class PostgresSubject(_Kept):
    @property
    def error(self) -> type[Exception]:
        import psycopg

        return psycopg.Error

    @property
    def integrity_error(self) -> type[Exception]:
        import psycopg

        return psycopg.IntegrityError

    def __init__(self, database: PostgresDatabase) -> None:
        self.database = database
        self.relay = Relay(database.server.port)
        self.user = f"app_{uuid.uuid4().hex[:12]}"
        super().__init__(database.server.host, self.relay.port, self.user, database.name)
        self.password = canary()
        database.sql(
            f"CREATE ROLE {self.user} LOGIN PASSWORD {self._quoted_password}",
            "CREATE TABLE notes (note text PRIMARY KEY)",
            "CREATE TABLE pages (note text REFERENCES notes DEFERRABLE INITIALLY DEFERRED)",
            f"ALTER TABLE notes OWNER TO {self.user}",
            f"ALTER TABLE pages OWNER TO {self.user}",
        )
        self.store()

    @property
    def _quoted_password(self) -> str:
        quoted = self.password.replace("'", "''")
        return f"'{quoted}'"

    def pool(self, options: ConnectOptions = LOCAL, **limits: Any) -> Any:
        from blackcat.arbok.postgres import postgres_pool

        return postgres_pool(self.credentials(), options, PoolLimits(**limits), self.clock)

    def block(self, pool: Any) -> AbstractContextManager[Any]:
        connection: AbstractContextManager[Any] = pool.connection()
        return connection

    def ask(self, lent: Any) -> object:
        return lent.execute("SELECT pg_backend_pid()").fetchone()[0]

    def sleep(self, lent: Any) -> None:
        lent.execute("SELECT pg_sleep(60)")

    def connected(self) -> int:
        """How many connections of the user the server has."""
        return int(self.sessions("count(*)"))

    def sessions(self, what: str) -> str:
        """What ``pg_stat_activity`` tells of the user's connections."""
        return self.database.sql(self._of_sessions(what))

    def _of_sessions(self, what: str) -> str:
        return " ".join(["SELECT", what, f"FROM pg_stat_activity WHERE usename = '{self.user}'"])

    def cancel_soon(self) -> None:
        """Once a connection of the user sleeps."""

        def cancel() -> None:
            while self.sessions("wait_event") != "PgSleep":
                time.sleep(0.02)
            self.sessions("pg_cancel_backend(pid)")

        threading.Thread(target=cancel, daemon=True).start()

    def kill(self) -> None:
        self.sessions(_TERMINATE)

    def change_password(self) -> None:
        self.password = canary()
        self.database.sql(f"ALTER ROLE {self.user} PASSWORD {self._quoted_password}")

    @contextlib.contextmanager
    def behind(self, tls: tuple[Path, Path]) -> Any:
        relay = Relay(self.database.server.port, tls=tls, postgres=True)
        yield relay.port
        relay.close()

    def close(self) -> None:
        self.relay.close()
        self.database.sql(
            self._of_sessions(_TERMINATE), f"DROP OWNED BY {self.user} CASCADE", f"DROP ROLE {self.user}"
        )


class OdbcSubject(PostgresSubject):
    @property
    def error(self) -> type[Exception]:
        import pyodbc

        return pyodbc.Error

    @property
    def integrity_error(self) -> type[Exception]:
        import pyodbc

        return pyodbc.IntegrityError

    def pool(self, options: ConnectOptions = LOCAL, **limits: Any) -> Any:
        from blackcat.arbok.odbc import odbc_pool

        return odbc_pool(
            self.credentials(), options, PoolLimits(**limits), self.clock, driver="PostgreSQL Unicode"
        )

    def ask(self, lent: Any) -> object:
        return lent.execute("SELECT pg_backend_pid()").fetchval()


class MongoSubject(_Kept):
    def __init__(self, port: int) -> None:
        self.users = MongoUsers(port, {})
        self.relay = Relay(self.users.port)
        super().__init__("127.0.0.1", self.relay.port, "app", f"test_{uuid.uuid4().hex[:12]}")
        self.rotate()

    def pool(self, options: ConnectOptions = LOCAL, **limits: Any) -> Any:
        from blackcat.arbok.mongo import mongo_pool

        return mongo_pool(self.credentials(), options, PoolLimits(**limits), self.clock, extra={})

    def block(self, pool: Any) -> AbstractContextManager[Any]:
        database: AbstractContextManager[Any] = pool.database()
        return database

    def ask(self, lent: Any) -> object:
        lent.command("ping")
        return id(lent.client), os.getpid()

    def sleep(self, lent: Any) -> None:
        self.relay.silent = True  # nx-27017 has nothing that takes long
        try:
            lent.command("ping")
        finally:
            self.relay.silent = False

    def kill(self) -> None:
        self.users.kill()

    def connected(self) -> int:
        return self.users.connected

    def change_password(self) -> None:
        self.password = canary()
        self.users.passwords = {"app": self.password}

    @contextlib.contextmanager
    def behind(self, tls: tuple[Path, Path]) -> Any:
        relay = Relay(self.users.port, tls=tls)
        yield relay.port
        relay.close()

    def close(self) -> None:
        self.relay.close()
        self.users.close()
