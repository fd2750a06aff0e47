"""One pool per process, and nothing called before it is needed."""

from __future__ import annotations

from types import ModuleType

import pytest
from blackcat import BlackcatError

from ......core.mew.arbok import mongo, odbc, postgres


def test_a_process_has_one_pool_and_a_pool_shows_its_secrets_name_only() -> None:
    assert postgres.pool() is postgres.pool()
    assert postgres.pool().__repr__().count("/postgres") == 1


def test_nothing_is_called_before_a_connection_is_needed() -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(BlackcatError), postgres.database().transaction():
        pytest.fail("there is no database here")


@pytest.mark.parametrize(("module", "driver"), [(odbc, "pyodbc"), (mongo, "pymongo")])
def test_the_other_databases_wait_for_their_drivers(module: ModuleType, driver: str) -> None:
    pytest.importorskip(driver)
    assert module.pool() is module.pool()
