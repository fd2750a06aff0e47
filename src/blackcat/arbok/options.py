"""How a pool connects, whichever database it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, get_args

from blackcat.errors import ConfigurationError

Tls = Literal["verify-full", "verify-ca", "disable"]

# What all three drivers can keep: libpq takes 1 second for 2.
SHORTEST_CONNECT_TIMEOUT = timedelta(seconds=2)
RDS_BUNDLE = "https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem"


@dataclass(frozen=True, kw_only=True)
class ConnectOptions:
    """How a connection is made, and how long its statements may take. Raises ConfigurationError.

    TLS verifies the server's certificate against ``ca_file`` (PEM; by default against the authorities that
    the system trusts) and, unless it is "verify-ca", the server's name. ``statement_timeout`` is kept by the
    server; None leaves it as the server has it.
    """

    tls: Tls = "verify-full"
    ca_file: str | None = None
    statement_timeout: timedelta | None = timedelta(seconds=30)
    connect_timeout: timedelta = timedelta(seconds=5)
    application_name: str = "blackcat"

    def __post_init__(self) -> None:
        if self.tls not in get_args(Tls):
            raise ConfigurationError(f"tls is {self.tls!r}: choose one of {', '.join(get_args(Tls))}")
        if self.tls == "disable" and self.ca_file:
            raise ConfigurationError(
                "tls is 'disable', so ca_file would not be looked at: leave out one of them"
            )
        if self.connect_timeout < SHORTEST_CONNECT_TIMEOUT:
            raise ConfigurationError(
                "connect_timeout is below 2 seconds, the least that all drivers can keep"
            )
        if self.statement_timeout is not None and self.statement_timeout < timedelta(milliseconds=1):
            raise ConfigurationError("statement_timeout is below 1 millisecond: None leaves it to the server")

    @property
    def statement_milliseconds(self) -> int | None:
        timeout = self.statement_timeout
        return None if timeout is None else int(timeout / timedelta(milliseconds=1))

    @property
    def set_timeout(self) -> str:
        """For Postgres; not as a parameter of the connection, which RDS Proxy refuses."""
        timeout = self.statement_milliseconds
        return "" if timeout is None else f"SET statement_timeout = {timeout:d}"

    @property
    def connect_milliseconds(self) -> int:
        return int(self.connect_timeout / timedelta(milliseconds=1))

    @property
    def connect_seconds(self) -> int:
        return int(self.connect_timeout.total_seconds())
