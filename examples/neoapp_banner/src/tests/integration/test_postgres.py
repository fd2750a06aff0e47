"""The pool with its credentials from Secrets Manager."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import blackcat
import pytest
from blackcat.infra.emulator import running_emulator

from ...core.mew.arbok.postgres import PostgresDatabase
from ..world import keep_secret
from .conftest import connected


def test_transactions_are_kept_or_undone(login: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    secret = f"postgres-{uuid4().hex}"
    with connected(login) as connection:
        connection.execute("CREATE TABLE things (name text PRIMARY KEY, size integer)")
    with running_emulator() as emulator:
        for name, value in emulator.environment().items():
            monkeypatch.setenv(name, value)
        keep_secret(emulator, secret, login)
        database = PostgresDatabase(lambda: blackcat.postgres_pool(secret, tls="disable"))
        with database.transaction() as records:
            assert records.add("things", {"name": "a", "size": 1})
            assert records.add("things", {"name": "b", "size": None})
        with pytest.raises(RuntimeError):
            change_and_fail(database)
        with database.transaction() as records:
            assert records.find("things", ("size", "=", None)) == [{"name": "b", "size": None}]
            assert records.find("things", ("size", ">=", 1), ("size", "<", 2)) == [{"name": "a", "size": 1}]
            assert records.change("things", {"size": 3}) == 2
            assert len(records.find("things", ("size", "<=", 3), ("size", ">", 2))) == 2


def change_and_fail(database: PostgresDatabase) -> None:
    with database.transaction() as records:
        records.change("things", {"size": 2}, ("name", "=", "a"))
        raise RuntimeError


def test_names_are_names_and_never_sql(login: dict[str, Any]) -> None:
    from blackcat.arbok.records import PostgresRecords

    with connected(login) as connection:
        connection.execute("CREATE TABLE things (name text PRIMARY KEY)")
        records = PostgresRecords(connection)
        records.add("things", {"name": "'; DROP TABLE things; --"})
        with pytest.raises(Exception, match="does not exist"):
            records.find('things"; DROP TABLE things; --')
        assert len(records.find("things")) == 1
