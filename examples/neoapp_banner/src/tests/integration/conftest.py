"""A real Postgres for the whole run, and a database of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from blackcat.infra.postgres_server import PostgresServer, missing_postgres, running_postgres

from ...scripts.migrate import MIGRATIONS

psycopg = pytest.importorskip("psycopg", reason="the extra blackcat[postgres] is not installed")


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    if reason := missing_postgres():
        pytest.skip(reason)
    with running_postgres() as server:
        yield server


@pytest.fixture
def login(server: PostgresServer) -> Iterator[dict[str, Any]]:
    """Of an empty database."""
    database = server.create_database()
    yield database.secret
    database.drop()


@pytest.fixture
def connection(login: dict[str, Any]) -> Iterator[Any]:
    """To a database with all migrations applied."""
    from blackcat.arbok.migrations import migrate, migrations_in

    with connected(login) as connection:
        migrate(connection, migrations_in(MIGRATIONS))
        yield connection


def connected(login: dict[str, Any]) -> Any:
    return psycopg.connect(
        host=login["host"],
        port=login["port"],
        user=login["username"],
        password=login["password"],
        dbname=login["dbname"],
        autocommit=True,
    )
