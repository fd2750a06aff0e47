"""What servers and drivers say when they let nobody in, and the error that it becomes."""

from __future__ import annotations

import pytest

from blackcat.arbok.login import Login
from blackcat.arbok.options import ConnectOptions
from blackcat.arbok.refusals import refusal
from blackcat.errors import (
    AccessDenied,
    NotFound,
    PermanentError,
    RemoteError,
    ServiceUnavailable,
    Throttled,
    Unreachable,
)

LOGIN = Login(host="db", port=5432, username="app", password="hunter22", database="shop", secret="shop/db")


@pytest.mark.parametrize(
    ("said", "kind", "told"),
    [
        (
            'FATAL:  password authentication failed for user "app"',
            AccessDenied,
            "secret 'shop/db' was refused",
        ),
        ("FATAL:  The password that was provided for the role app is wrong.", AccessDenied, "was refused"),
        ("Authentication failed., full error: {'code': 18}", AccessDenied, "was refused"),
        ('FATAL:  role "app" is not permitted to log in', AccessDenied, "does not let the user"),
        (
            'FATAL:  no pg_hba.conf entry for host "10.0.0.1", user "app", database "shop", no encryption',
            PermanentError,
            "leave out tls",
        ),
        (
            'FATAL:  no pg_hba.conf entry for host "10.0.0.1", user "app", database "shop", SSL encryption',
            AccessDenied,
            "does not let the user",
        ),
        ('FATAL:  database "shop" does not exist', NotFound, "check dbname in secret 'shop/db'"),
        ("FATAL:  sorry, too many clients already", Throttled, "RDS Proxy"),
        ("FATAL:  the database system is starting up", ServiceUnavailable, "starting or stopping"),
        ('FATAL:  database "shop" is not currently accepting connections', ServiceUnavailable, "stopping"),
        ("FATAL:  terminating connection due to administrator command", ServiceUnavailable, "stopping"),
        ("FATAL:  out of memory", ServiceUnavailable, "no memory left"),
        ('FATAL:  permission denied for database "shop"', AccessDenied, "GRANT CONNECT ON DATABASE"),
        (
            'server certificate for "other.example.com" does not match host name "db"',
            PermanentError,
            "not for this host",
        ),
        ("connection to server at db failed: Connection refused", Unreachable, "5 s (Connection refused)"),
        (f"bad: {LOGIN.password} {'x' * 400}", Unreachable, "bad: *** xxx"),
    ],
)
def test_refusals(said: str, kind: type[RemoteError], told: str) -> None:
    error = refusal(said, LOGIN, ConnectOptions(), service="postgres")
    assert type(error) is kind
    assert "db:5432" in str(error)
    assert told in str(error)
    assert "hunter22" not in str(error)
    assert len(str(error)) < 400


def test_words_that_nobody_knows_after_the_password_was_sent() -> None:
    """A server that speaks another language."""
    said = 'connection to server at "db", port 5432 failed: FATAL:  autenticação falhou para "app"'
    error = refusal(said, LOGIN, ConnectOptions(), service="postgres", password_was_sent=True)
    assert type(error) is AccessDenied


@pytest.mark.parametrize(
    "said",
    ["server closed the connection unexpectedly", "SSL SYSCALL error: EOF detected", "timeout expired"],
)
def test_a_server_that_is_gone_after_the_password_was_sent(said: str) -> None:
    said = f'connection to server at "db", port 5432 failed: {said}'
    error = refusal(said, LOGIN, ConnectOptions(), service="postgres", password_was_sent=True)
    assert type(error) is Unreachable
