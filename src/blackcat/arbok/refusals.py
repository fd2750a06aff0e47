"""Why a database did not let us in, read from what it or its driver says in English."""

from __future__ import annotations

import re

from blackcat.arbok.login import Login
from blackcat.arbok.options import RDS_BUNDLE, ConnectOptions
from blackcat.errors import (
    AccessDenied,
    NotFound,
    PermanentError,
    RemoteError,
    ServiceUnavailable,
    Throttled,
    Unreachable,
)

_UNTRUSTED = (
    "the server's certificate is not to be trusted: none of the authorities in ca_file signed it, or it is "
    f"not for this host. For RDS let ca_file name the bundle of {RDS_BUNDLE}"
)
_NO_TLS = 'the server speaks no TLS: for a database on this machine say tls="disable"'
_TLS_WANTED = 'the server lets nobody in without TLS: leave out tls="disable"'
_NO_CA = "ca_file is missing, or holds no certificate"
_REFUSED = "the user or the password of secret '{secret}' was refused"
_NOT_ALLOWED = "the server does not let the user of secret '{secret}' in from here"
_NO_DATABASE = "there is no such database: check dbname in secret '{secret}'"
_FULL = "the server has no connection left: lower PoolLimits.size, or put RDS Proxy before it"
_NOT_READY = "the server is starting or stopping, or has no memory left"
_NO_PRIVILEGE = "the user of secret '{secret}' may not connect to this database: GRANT CONNECT ON DATABASE"

# In this order: a refused password is told in many words, and so comes last.
_SAID: tuple[tuple[str, type[RemoteError], str], ...] = (
    (r"root certificate file|could not read root certificate", PermanentError, _NO_CA),
    (
        r"certificate.?verify.?failed|does not match host name|hostname mismatch|IP address mismatch",
        PermanentError,
        _UNTRUSTED,
    ),
    (r"does not support SSL|wrong.version.number", PermanentError, _NO_TLS),
    (r"too many (?:clients|connections)|remaining connection slots", Throttled, _FULL),
    (
        r"starting up|shutting down|in recovery|not currently accepting|terminating connection|out of memory",
        ServiceUnavailable,
        _NOT_READY,
    ),
    (r"permission denied for database", AccessDenied, _NO_PRIVILEGE),
    (r"database \"[^\"]*\" does not exist", NotFound, _NO_DATABASE),
    (r"no pg_hba\.conf entry.*no encryption", PermanentError, _TLS_WANTED),
    (r"no pg_hba\.conf entry|not permitted to log in", AccessDenied, _NOT_ALLOWED),
    (
        r"authentication failed|password .*(?:wrong|incorrect)|role \"[^\"]*\" does not exist",
        AccessDenied,
        _REFUSED,
    ),
)
# What the server itself says begins with a word for how bad it is, in its own language.
_BY_THE_SERVER = re.compile(r"(?:^|[:\]] )\w+:  ?")
_LONGEST = 200


def refusal(
    said: str, login: Login, options: ConnectOptions, *, service: str, password_was_sent: bool = False
) -> RemoteError:
    """The error for a connection that was not made. It quotes what was said only without the password."""
    for pattern, kind, detail in _SAID:
        if re.search(pattern, said, re.IGNORECASE):
            return _error(kind, detail.format(secret=login.secret), login, service)
    if password_was_sent and _BY_THE_SERVER.search(said):
        return _error(AccessDenied, _REFUSED.format(secret=login.secret), login, service)
    seconds = options.connect_timeout.total_seconds()
    detail = (
        f"no connection within {seconds:g} s ({_quoted(said, login)}): check host and port, the security "
        "group, and that the database runs"
    )
    return _error(Unreachable, detail, login, service)


def _error(kind: type[RemoteError], detail: str, login: Login, service: str) -> RemoteError:
    return kind(detail, service=service, operation="connect", resource=login.address)


def _quoted(said: str, login: Login) -> str:
    """The first line, without the address, which the error names anyway."""
    line = login.masked(said).strip().partition("\n")[0].rpartition(" failed: ")[2]
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"
