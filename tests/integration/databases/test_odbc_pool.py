"""The contract of pools, for Odbc, and what is Odbc's own."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from tests.integration.databases.contract import refused
from tests.integration.databases.sql_contract import SqlPoolContract
from tests.integration.databases.subjects import LOCAL, OdbcSubject

from blackcat.arbok.limits import PoolLimits
from blackcat.errors import ConfigurationError, InvalidSecret

pytest.importorskip("pyodbc", reason="apt-get install unixodbc", exc_type=ImportError)
from blackcat.arbok.odbc import odbc_pool


class TestOdbcPool(SqlPoolContract):
    @pytest.fixture
    def subject(self, odbc_subject: OdbcSubject) -> OdbcSubject:
        return odbc_subject

    def test_a_driver_that_is_not_there(self, subject: OdbcSubject) -> None:
        pool = odbc_pool(subject.credentials(), LOCAL, PoolLimits(), subject.clock, driver="Nowhere")
        with refused(ConfigurationError, "'Nowhere' cannot be loaded: install it"):
            pool.check()

    def test_authorities_in_a_folder_with_a_strange_name(
        self, subject: OdbcSubject, tls: tuple[Path, Path], tmp_path: Path
    ) -> None:
        folder = tmp_path / "it's my \\ {certificates}"
        folder.mkdir()
        ca_file = str(shutil.copy(tls[0], folder))
        with subject.behind(tls) as port:
            subject.store(port=port)
            with subject.pool(replace(LOCAL, tls="verify-full", ca_file=ca_file)) as pool:
                pool.check()

    @pytest.mark.parametrize("key", ["host", "username", "dbname"])
    def test_what_a_connection_string_cannot_hold(self, subject: OdbcSubject, key: str) -> None:
        subject.store(**{key: "x;SSLmode=disable"})
        with refused(InvalidSecret, f"'{key}' has one of"):
            subject.pool().check()

    def test_a_time_with_a_zone_comes_back_without_it(self, subject: OdbcSubject) -> None:
        """What the documentation warns of."""
        with subject.pool() as pool, pool.connection() as connection:
            told = connection.execute("SELECT timestamptz '2030-01-01 12:00:00+00'").fetchval()
        assert told.replace(tzinfo=None) == told
        assert isinstance(told, datetime)
