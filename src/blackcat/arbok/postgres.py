"""Postgres, through psycopg 3."""

from __future__ import annotations

import select
import time
from typing import Any, TypeAlias

import psycopg
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.rows import tuple_row

from blackcat.application.ports import Clock
from blackcat.arbok.authorities import trusted
from blackcat.arbok.limits import PoolLimits
from blackcat.arbok.login import Credentials, Login, bared
from blackcat.arbok.options import ConnectOptions
from blackcat.arbok.pool import Pool
from blackcat.arbok.refusals import refusal
from blackcat.errors import RemoteError, StatementTimeout, Unreachable

Connection: TypeAlias = "psycopg.Connection[tuple[Any, ...]]"
PostgresPool: TypeAlias = Pool[Connection]

SERVICE = "postgres"

# A peer that is gone without a word is noticed within 25 seconds.
# https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
KEEPALIVES = {"keepalives": 1, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}

# What DISCARD ALL does, as far as a single round trip can; the timeout follows.
RESET = (
    "CLOSE ALL; UNLISTEN *; SELECT pg_advisory_unlock_all(); DISCARD TEMP; RESET SESSION AUTHORIZATION; "
    "RESET ALL;"
)

# The other statements that Postgres cancels are those that took too long.
CANCELED_BY_HAND = "user request"


class PostgresDriver:
    """How the pool speaks to Postgres: TLS verified, statements limited by the server."""

    service = SERVICE

    def __init__(self, options: ConnectOptions) -> None:
        self._options = options

    def connect(self, login: Login) -> Connection:
        connected = self._attempt(login)
        # Raised here: in no traceback is a frame that knows the password, and no error that quotes it.
        if isinstance(connected, BaseException):
            raise connected
        return connected

    def _attempt(self, login: Login) -> Connection | BaseException:
        try:
            connection = psycopg.connect(**self._parameters(login))
            if self._options.set_timeout:
                connection.execute(self._options.set_timeout.encode())
            connection.autocommit = False
        except (psycopg.Error, OSError, UnicodeError) as error:
            sent = isinstance(error, psycopg.Error) and error.pgconn and error.pgconn.used_password
            return refusal(str(error), login, self._options, service=SERVICE, password_was_sent=bool(sent))
        except BaseException as error:  # a signal's
            return bared(error)
        return connection

    def _parameters(self, login: Login) -> dict[str, Any]:
        options = self._options
        return {
            "host": login.host,
            "port": login.port,
            "user": login.username,
            "password": login.password,
            "dbname": login.database,
            "sslmode": options.tls,
            **({} if options.tls == "disable" else {"sslrootcert": trusted(options.ca_file)}),
            "connect_timeout": options.connect_seconds,
            "tcp_user_timeout": options.connect_milliseconds,
            "application_name": options.application_name,
            **KEEPALIVES,
            "autocommit": True,
            # A pooler between may give the next transaction to another server process.
            "prepare_threshold": None,
        }

    def stirred(self, connection: Connection) -> bool:
        """An idle connection has nothing to read, but for its end."""
        return bool(connection.closed or _readable(connection, 0.0))

    def check(self, connection: Connection) -> None:
        self._carry_out(connection, "")

    def commit(self, connection: Connection) -> None:
        if connection.info.transaction_status is TransactionStatus.INERROR:  # it would roll back in silence
            raise psycopg.errors.InFailedSqlTransaction(
                "a statement failed in this transaction, so nothing was committed: where its error is to be "
                "survived, put it into a block of connection.transaction(), a savepoint"
            )
        connection.commit()

    def rollback(self, connection: Connection) -> None:
        connection.rollback()

    def clean(self, connection: Connection) -> bool:
        if connection.closed or connection.info.transaction_status is not TransactionStatus.IDLE:
            return False
        connection.autocommit = False
        connection.read_only = connection.isolation_level = connection.deferrable = None
        connection.row_factory, connection.cursor_factory = tuple_row, psycopg.Cursor
        connection.prepare_threshold = None
        if self._options.set_timeout:
            self._carry_out(connection, RESET + self._options.set_timeout)
        return True

    def _carry_out(self, connection: Connection, sql: str) -> None:
        """Within the connect timeout: psycopg itself would wait without end."""
        deadline = time.monotonic() + self._options.connect_timeout.total_seconds()
        connection.pgconn.send_query(sql.encode())
        while connection.pgconn.flush() or connection.pgconn.is_busy():
            if not _readable(connection, deadline - time.monotonic()):
                raise TimeoutError("no answer")
            connection.pgconn.consume_input()
        while result := connection.pgconn.get_result():
            if result.status is ExecStatus.FATAL_ERROR:
                raise psycopg.OperationalError(result.error_message.decode(errors="replace"))

    def close(self, connection: Connection) -> None:
        connection.close()

    def translated(
        self, error: BaseException, connection: Connection
    ) -> tuple[type[RemoteError], str] | None:
        if isinstance(error, psycopg.errors.QueryCanceled) and CANCELED_BY_HAND not in str(error):
            return StatementTimeout, "the statement took longer than statement_timeout"
        # Those with which a server ends a connection are of both kinds; others happened before it was lost.
        if isinstance(error, psycopg.OperationalError | psycopg.InternalError) and connection.closed:
            return Unreachable, "the connection was lost"
        return None


def postgres_pool(
    credentials: Credentials, options: ConnectOptions, limits: PoolLimits, clock: Clock
) -> PostgresPool:
    """A pool for that database; nothing is called yet."""
    return Pool(PostgresDriver(options), credentials=credentials, limits=limits, clock=clock)


def _readable(connection: Connection, seconds: float) -> bool:
    poller = select.poll()  # select itself fails for the 1025th file of a process
    poller.register(connection.fileno(), select.POLLIN)
    return bool(poller.poll(max(0.0, seconds) * 1000))
