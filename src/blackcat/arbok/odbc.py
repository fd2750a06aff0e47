"""Postgres through ODBC: pyodbc, a driver manager (unixODBC) and psqlODBC."""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from pathlib import Path
from typing import TypeAlias

import pyodbc

from blackcat.application.ports import Clock
from blackcat.arbok.authorities import trusted
from blackcat.arbok.limits import PoolLimits
from blackcat.arbok.login import Credentials, Login, bared
from blackcat.arbok.options import ConnectOptions
from blackcat.arbok.pool import Pool
from blackcat.arbok.postgres import CANCELED_BY_HAND, KEEPALIVES, RESET
from blackcat.arbok.refusals import refusal
from blackcat.errors import ConfigurationError, InvalidSecret, RemoteError, StatementTimeout, Unreachable

OdbcPool: TypeAlias = Pool[pyodbc.Connection]

SERVICE = "odbc"

# Where a layer of Lambda's lists the drivers that it brings; the driver manager asks for the folder by name.
LAYER = Path("/opt/odbc")
_FOLDER_VARIABLE = "ODBCSYSINI"

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_CANCELED = "57014"
_LOST = ("08", "57P", "25P03", "25P04")
# What psqlODBC itself sets when it connects.
_OF_THE_DRIVER = "SET DateStyle = 'ISO'; SET extra_float_digits = 2;"
_NO_DRIVER = ("01000", "IM002", "IM003", "IM004")
# psqlODBC takes braces around a password only.
_UNQUOTED = frozenset(";{}")


class OdbcDriver:
    """How the pool speaks to Postgres through ``driver``, a name or a file that the driver manager knows."""

    service = SERVICE

    def __init__(self, options: ConnectOptions, *, driver: str) -> None:
        self._options = options
        self._driver = driver
        # The driver manager would keep closed connections open, with the old credentials.
        pyodbc.pooling = False

    def connect(self, login: Login) -> pyodbc.Connection:
        _require_quotable(login)
        connected = self._attempt(login)
        # Raised here: in no traceback is a frame that knows the password, and no error that quotes it.
        if isinstance(connected, BaseException):
            raise connected
        return connected

    def _attempt(self, login: Login) -> pyodbc.Connection | BaseException:
        try:
            seconds = self._options.connect_seconds
            connection = pyodbc.connect(self._connection_string(login), timeout=seconds, autocommit=True)
            if self._options.set_timeout:
                connection.execute(self._options.set_timeout)
            connection.autocommit = False
        except pyodbc.Error as error:
            if _sqlstate(error) in _NO_DRIVER:
                return ConfigurationError(
                    f"the ODBC driver '{self._driver}' cannot be loaded: install it (on Debian: apt-get "
                    "install unixodbc odbc-postgresql) and look for its name in odbcinst.ini; for Lambda, "
                    "build with `blackcat package --odbc-driver PATH`"
                )
            return refusal(_said(error), login, self._options, service=SERVICE, password_was_sent=True)
        except BaseException as error:  # a signal's
            return bared(error)
        return connection

    def _connection_string(self, login: Login) -> str:
        options = self._options
        libpq = {
            **({} if options.tls == "disable" else {"sslrootcert": _quoted(trusted(options.ca_file))}),
            "connect_timeout": options.connect_seconds,
            "tcp_user_timeout": options.connect_milliseconds,
            "application_name": _libpq_value(options.application_name),
            **KEEPALIVES,
        }
        keywords = {
            "DRIVER": f"{{{self._driver}}}",
            "SERVER": login.host,
            "PORT": login.port,
            "DATABASE": login.database,
            "UID": login.username,
            "PWD": "{" + login.password.replace("}", "}}") + "}",
            "SSLmode": options.tls,
            "pqopt": "{" + " ".join(f"{name}={value}" for name, value in libpq.items()) + "}",
        }
        return ";".join(f"{name}={value}" for name, value in keywords.items())

    def stirred(self, connection: pyodbc.Connection) -> bool:
        """ODBC does not show its socket."""
        return False

    def check(self, connection: pyodbc.Connection) -> None:
        connection.execute("SELECT 1").close()

    def commit(self, connection: pyodbc.Connection) -> None:
        connection.commit()

    def rollback(self, connection: pyodbc.Connection) -> None:
        connection.rollback()

    def clean(self, connection: pyodbc.Connection) -> bool:
        if connection.closed:
            return False
        if self._options.set_timeout:
            connection.autocommit = True
            connection.execute(RESET + _OF_THE_DRIVER + self._options.set_timeout).close()
        connection.autocommit = False
        return True

    def close(self, connection: pyodbc.Connection) -> None:
        connection.close()

    def translated(
        self, error: BaseException, connection: pyodbc.Connection
    ) -> tuple[type[RemoteError], str] | None:
        if not isinstance(error, pyodbc.Error):
            return None
        if _sqlstate(error) == _CANCELED and CANCELED_BY_HAND not in _said(error):
            return StatementTimeout, "the statement took longer than statement_timeout"
        if _sqlstate(error).startswith(_LOST):
            return Unreachable, "the connection was lost"
        return None


def odbc_pool(
    credentials: Credentials, options: ConnectOptions, limits: PoolLimits, clock: Clock, *, driver: str
) -> OdbcPool:
    """A pool for that database; nothing is called yet."""
    find_layers_drivers(os.environ)
    return Pool(OdbcDriver(options, driver=driver), credentials=credentials, limits=limits, clock=clock)


def find_layers_drivers(environment: MutableMapping[str, str], layer: Path = LAYER) -> None:
    """Let the driver manager find the drivers of a layer that has some, unless it is told of others."""
    if (layer / "odbcinst.ini").is_file():
        environment.setdefault(_FOLDER_VARIABLE, str(layer))


def _require_quotable(login: Login) -> None:
    for name, value in (("host", login.host), ("username", login.username), ("dbname", login.database)):
        if _UNQUOTED & set(value):
            raise InvalidSecret(
                f"'{name}' has one of ; {{ }}, which no ODBC connection string can hold there"
            )


def _quoted(path: str) -> str:
    return "'" + path.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _libpq_value(text: str) -> str:
    """Without what would end it."""
    return "".join(character for character in text if character not in "{};' \\")


def _sqlstate(error: pyodbc.Error) -> str:
    return str(error.args[0]) if error.args else ""


def _said(error: pyodbc.Error) -> str:
    return str(error.args[-1]) if error.args else ""
