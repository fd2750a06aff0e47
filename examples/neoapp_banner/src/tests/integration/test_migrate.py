"""The migration script on a real Postgres."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from blackcat.arbok.migrations import migrations_in
from blackcat.errors import MigrationFailed

from ...scripts.migrate import MIGRATIONS, apply, show_plan, show_status
from .conftest import connected

PROJECTS = migrations_in(MIGRATIONS)


def test_everything_is_applied_once_and_the_status_says_when(
    login: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    with connected(login) as connection:
        assert show_status(connection, PROJECTS) == 0
        assert capsys.readouterr().out.count("pending") == len(PROJECTS)
        for count in (len(PROJECTS), 0):
            assert apply(connection, PROJECTS) == 0
            assert f"up to date: {count} applied now" in capsys.readouterr().out
        assert show_status(connection, PROJECTS) == 0
        assert capsys.readouterr().out.count(" applied 20") == len(PROJECTS)


def test_a_dry_run_shows_the_statements_and_changes_nothing(
    login: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "0001_a.sql").write_text("CREATE TABLE a (id int);\nINSERT INTO a VALUES (1);")
    with connected(login) as connection:
        assert show_plan(connection, migrations_in(tmp_path)) == 0
        assert connection.execute("SELECT to_regclass('a')").fetchone() == (None,)
    assert capsys.readouterr().out.splitlines() == [
        "-- 0001_a.sql",
        "CREATE TABLE a (id int);",
        "INSERT INTO a VALUES (1);",
        "-- 1 to apply; nothing was changed",
    ]


def test_one_that_fails_half_way_leaves_nothing_behind_and_goes_on_once_it_is_mended(
    login: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "0001_a.sql").write_text("CREATE TABLE a (id int);")
    broken = tmp_path / "0002_b.sql"
    broken.write_text("CREATE TABLE b (id int);\n\nINSERT INTO b VALUES ('x');")
    with connected(login) as connection:
        with pytest.raises(MigrationFailed, match=r"0002_b\.sql, line 3: invalid input syntax"):
            apply(connection, migrations_in(tmp_path))
        assert connection.execute("SELECT to_regclass('a'), to_regclass('b')").fetchone() == ("a", None)
        broken.write_text("CREATE TABLE b (id int);")
        assert apply(connection, migrations_in(tmp_path)) == 0
        assert connection.execute("SELECT to_regclass('b')").fetchone() == ("b",)


def test_an_applied_migration_that_was_edited_is_told(
    login: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = tmp_path / "0001_a.sql"
    first.write_text("CREATE TABLE a (id int);")
    with connected(login) as connection:
        apply(connection, migrations_in(tmp_path))
        first.write_text("CREATE TABLE a (id bigint);")
        assert show_status(connection, migrations_in(tmp_path)) == 1
    assert "0001_a.sql was edited after it was applied" in capsys.readouterr().err
