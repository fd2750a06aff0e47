"""Migrations on a real Postgres: once, in order, whole or not at all."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import psycopg
import pytest

from blackcat.arbok.migrations import HISTORY, migrate, migrations_in, progress
from blackcat.arbok.records import PostgresRecords
from blackcat.errors import InvalidMigration, MigrationFailed

GATE = 42  # a lock that a migration of these tests waits at


@pytest.fixture
def connect(database):
    opened = []

    def connect(**options):
        said = database.secret
        opened.append(
            psycopg.connect(
                host=said["host"],
                port=said["port"],
                user=said["username"],
                password=said["password"],
                dbname=said["dbname"],
                **options,
            )
        )
        return opened[-1]

    yield connect
    for connection in opened:
        connection.close()


@pytest.fixture
def connection(connect):
    return connect()


@pytest.fixture
def write(tmp_path):
    def write(**files):
        for name, sql in files.items():
            (tmp_path / f"{name[1:]}.sql").write_text(sql)
        return migrations_in(tmp_path)

    return write


def tables(connection):
    rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    connection.rollback()
    return {name for (name,) in rows} - {HISTORY}


def numbers(migrations):
    return [migration.number for migration in migrations]


def test_each_is_applied_once_in_order(connection, write):
    migrations = write(
        _0002_b="CREATE TABLE b AS SELECT * FROM a;", _0001_a="CREATE TABLE a AS SELECT 1 AS x;"
    )
    seen = []
    assert numbers(migrate(connection, migrations, on_applied=seen.append)) == numbers(seen) == [1, 2]
    assert migrate(connection, migrations) == []
    more = write(_0003_c="CREATE TABLE c AS SELECT '100%' AS x;")
    assert numbers(migrate(connection, more)) == [3]
    assert tables(connection) == {"a", "b", "c"}
    found = progress(connection, more)
    assert ([entry.name for entry in found.applied][-1], found.pending) == ("0003_c.sql", [])


def test_the_connection_is_given_back_as_it_was(connection, write):
    connection.execute("SET statement_timeout = '7s'")
    connection.commit()
    migrate(connection, write(_0001_a="CREATE TABLE a (x int);"))
    assert not connection.autocommit
    assert connection.execute("SHOW statement_timeout").fetchone() == ("7s",)
    assert connection.execute("SHOW lock_timeout").fetchone() == ("0",)


def test_one_that_takes_longer_than_a_query_may_is_not_cut_off(connection, write):
    connection.execute("SET statement_timeout = '50ms'")
    connection.commit()
    migrate(connection, write(_0001_a="SELECT pg_sleep(0.2);"))


@pytest.mark.parametrize(
    ("sql", "line", "reason", "statement"),
    [
        ("CREATE TABLE b (x int);\n\nINSERT INTO b\nVALUES ('x');", 4, "invalid input", "INSERT INTO b"),
        ("CREATE TABLE b (x int PRIMARY KEY);\nINSERT INTO b VALUES (1), (1);", 2, "duplicate key", "INSERT"),
        ("CREATE TABLE b (x int);\n-- why\nSELEC 1;", 3, "syntax error", "SELEC 1"),
        ("CREATE TABLE b (x int);\nCREATE INDEX CONCURRENTLY i ON b (x);", 2, "transaction", "CREATE"),
        ("CREATE TABLE b (x int);\nSELECT 'never closed;\n", 2, "unterminated", "SELECT"),
    ],
)
def test_one_that_fails_leaves_nothing_and_names_file_line_and_statement(
    connection, write, sql, line, reason, statement
):
    migrations = write(_0001_a="CREATE TABLE a (x int);", _0002_b=sql)
    with pytest.raises(MigrationFailed) as raised:
        migrate(connection, migrations)
    text = str(raised.value)
    assert text.startswith(f"0002_b.sql, line {line}: ")
    assert reason in text
    assert f"in: {statement}" in text
    assert tables(connection) == {"a"}
    mended = write(_0002_b="CREATE TABLE b (x int);")
    assert numbers(migrate(connection, mended)) == [2]


def test_two_at_once_one_waits_and_finds_nothing_to_do(connect, write):
    migrations = write(_0001_a=f"CREATE TABLE a (x int); SELECT pg_advisory_lock({GATE});")
    gate, waits = connect(autocommit=True), threading.Event()
    gate.execute("SELECT pg_advisory_lock(%s)", [GATE])
    with ThreadPoolExecutor() as pool:
        first_holds = threading.Event()
        first = pool.submit(
            migrate, connect(), migrations, lock_timeout=timedelta(0), on_applied=lambda _: first_holds.set()
        )
        wait_until_blocked(gate)
        second = pool.submit(migrate, connect(), migrations, on_wait=waits.set)
        assert waits.wait(30)
        assert not first_holds.is_set()
        gate.execute("SELECT pg_advisory_unlock(%s)", [GATE])
        assert numbers(first.result(30)) == [1]
        assert second.result(30) == []
    assert tables(connect()) == {"a"}


def test_one_whose_connection_is_killed_leaves_nothing_and_holds_nobody_up(connect, write):
    migrations = write(_0001_a=f"CREATE TABLE a (x int); SELECT pg_advisory_lock({GATE});")
    gate = connect(autocommit=True)
    gate.execute("SELECT pg_advisory_lock(%s)", [GATE])
    with ThreadPoolExecutor() as pool:
        first = pool.submit(migrate, connect(), migrations, lock_timeout=timedelta(0))
        gate.execute("SELECT pg_terminate_backend(%s)", [wait_until_blocked(gate)])
        with pytest.raises(MigrationFailed, match="0001_a.sql, line 1: "):
            first.result(30)
    assert tables(connect()) == set()
    gate.execute("SELECT pg_advisory_unlock(%s)", [GATE])
    assert numbers(migrate(connect(), migrations)) == [1]


def wait_until_blocked(connection):
    """The server process that waits at the gate, once one does."""
    query = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND NOT granted"
    while (row := connection.execute(query, [GATE]).fetchone()) is None:
        pass
    return row[0]


def test_a_table_that_is_busy_is_not_waited_for_without_end(connect, write):
    migrations = write(_0001_a="CREATE TABLE a (x int);")
    migrate(connect(), migrations)
    busy = connect()
    busy.execute("SELECT * FROM a")
    with pytest.raises(MigrationFailed, match=r"0002_b\.sql, line 1: .*lock timeout"):
        migrate(connect(), write(_0002_b="ALTER TABLE a ADD y int;"), lock_timeout=timedelta(milliseconds=20))


def test_an_applied_one_that_was_edited_is_refused_before_anything_is_written(connection, write):
    migrate(connection, write(_0001_a="CREATE TABLE a (x int);"))
    changed = write(_0001_a="CREATE TABLE a (x bigint);", _0002_b="CREATE TABLE b (x int);")
    with pytest.raises(InvalidMigration, match=r"0001_a\.sql was edited after it was applied"):
        migrate(connection, changed)
    assert tables(connection) == {"a"}


def test_other_ends_of_lines_are_no_edit(connection, write, tmp_path):
    migrate(connection, write(_0001_a="CREATE TABLE a (\n x int\n);\n"))
    (tmp_path / "0001_a.sql").write_bytes(b"CREATE TABLE a (\r\n x int\r\n);\r\n")
    assert migrate(connection, migrations_in(tmp_path)) == []


def test_one_that_comes_too_late_and_one_that_is_gone_are_refused_together(connection, write, tmp_path):
    migrate(connection, write(_0001_a="CREATE TABLE a (x int);", _0003_c="CREATE TABLE c (x int);"))
    (tmp_path / "0001_a.sql").unlink()
    with pytest.raises(InvalidMigration) as raised:
        migrate(connection, write(_0002_b="CREATE TABLE b (x int);"))
    assert [line.split()[0] for line in str(raised.value).splitlines()] == ["0002_b.sql", "0001_a.sql"]
    assert tables(connection) == {"a", "c"}


def test_progress_writes_nothing(connection, write):
    found = progress(connection, write(_0001_a="CREATE TABLE a (x int);"))
    assert (found.applied, numbers(found.pending), found.problems) == ([], [1], [])
    connection.commit()
    assert connection.execute(f"SELECT to_regclass('{HISTORY}')").fetchone() == (None,)


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"_1_a": "SELECT 1"}, "1_a.sql is no name of a migration"),
        ({"_0001-a": "SELECT 1"}, "0001_what_it_does.sql is one"),
        ({"_0001_a": "SELECT 1", "_0001_b": "SELECT 1"}, "0001_a.sql and 0001_b.sql have one number"),
        ({"_0001_a": "-- to do\n"}, "0001_a.sql has no statement"),
        ({"_0001_a": "SELECT 1;\ncommit;"}, "line 2: COMMIT is to be taken out"),
        ({"_0001_a": "BEGIN;"}, "line 1: BEGIN is to be taken out"),
        ({"_0001_a": "SELECT 1;\nCopy a from stdin;"}, "line 2: COPY from here has no data"),
    ],
)
def test_files_that_cannot_be_migrations_are_refused(write, files, reason):
    with pytest.raises(InvalidMigration, match=reason):
        write(**files)


def test_a_folder_that_is_not_there_and_a_file_that_is_no_text_are_refused(tmp_path):
    with pytest.raises(InvalidMigration, match="there is no folder of migrations"):
        migrations_in(tmp_path / "nowhere")
    (tmp_path / "0001_a.sql").write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidMigration, match=r"0001_a\.sql is not UTF-8"):
        migrations_in(tmp_path)


def test_rows_are_added_found_and_changed(connection):
    connection.execute("CREATE TABLE things (name text PRIMARY KEY, size integer)")
    records = PostgresRecords(connection)
    assert [records.add("things", {"name": "a", "size": size}) for size in (1, 2)] == [True, False]
    assert records.add("things", {"name": "b", "size": None})
    assert records.find("things", ("size", "=", None)) == [{"name": "b", "size": None}]
    assert records.find("things", ("size", ">=", 1), ("size", "<", 2)) == [{"name": "a", "size": 1}]
    assert records.change("things", {"size": 3}, ("name", "=", "b"), ("size", "=", None)) == 1
    assert records.change("things", {"size": 9}, ("name", "=", "b"), ("size", "=", None)) == 0
    assert {row["size"] for row in records.find("things")} == {1, 3}
    assert len(records.find("things", ("size", "<=", 3), ("size", ">", 1))) == 1
