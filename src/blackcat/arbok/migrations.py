"""Numbered SQL migrations for Postgres: each is applied once, in order, in a transaction of its own.

``0001_banners.sql``, ``0002_payments.sql``, … in one folder. What was applied is kept in the database, in the
table ``schema_migrations``, with a checksum of each file: a migration is never edited, but followed by the
next one. Two that run at once wait for each other.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from blackcat.arbok.statements import Statement, statements
from blackcat.errors import InvalidMigration, MigrationFailed

HISTORY = "schema_migrations"
# Any number will do that nothing else of the database locks: "blackcat" in ASCII, halved.
LOCK = 0x626C6163
# A statement that waits for a busy table makes every later query on that table wait behind it.
LOCK_TIMEOUT = timedelta(seconds=10)

_FILE_NAME = re.compile(r"(?P<number>\d{4})_[a-z0-9_]+\.sql")
_COPY_HERE = re.compile(r"\b(?:FROM\s+STDIN|TO\s+STDOUT)\b", re.IGNORECASE)
_ENDS_TRANSACTIONS = frozenset({"ABORT", "BEGIN", "COMMIT", "END", "ROLLBACK", "START"})

Connection = psycopg.Connection[Any]


@dataclass(frozen=True)
class Migration:
    """One file of them."""

    number: int
    path: Path
    sql: str

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def checksum(self) -> str:
        """Of what it says; the ends of lines are the editor's, or git's."""
        return hashlib.sha256("\n".join(self.sql.split("\r\n")).encode()).hexdigest()

    @property
    def statements(self) -> list[Statement]:
        return statements(self.sql)


@dataclass(frozen=True)
class Applied:
    """What the database remembers of one."""

    number: int
    name: str
    checksum: str
    applied_at: datetime


@dataclass(frozen=True)
class Progress:
    """The files beside what the database remembers; ``problems`` say why nothing can be applied."""

    applied: Sequence[Applied]
    pending: Sequence[Migration]
    problems: Sequence[str]


def migrations_in(folder: Path) -> list[Migration]:
    """The migrations of a folder, in order. Raises InvalidMigration for names and files that cannot be."""
    if not folder.is_dir():
        raise InvalidMigration(f"there is no folder of migrations {folder}: create it, with 0001_….sql in it")
    found = [_read(path) for path in sorted(folder.glob("*.sql"))]
    for before, after in itertools.pairwise(found):
        if before.number == after.number:
            raise InvalidMigration(
                f"{before.name} and {after.name} have one number: give the newer one the next free number"
            )
    return found


def progress(connection: Connection, migrations: Sequence[Migration]) -> Progress:
    """How far the database is; nothing is written."""
    applied = _history(connection)
    known = {entry.number: entry for entry in applied}
    pending = [migration for migration in migrations if migration.number not in known]
    return Progress(applied, pending, [*_problems(migrations, known)])


def migrate(
    connection: Connection,
    migrations: Sequence[Migration],
    *,
    on_wait: Callable[[], None] = lambda: None,
    on_applied: Callable[[Migration], None] = lambda migration: None,
    lock_timeout: timedelta = LOCK_TIMEOUT,
) -> list[Migration]:
    """Apply what is pending, and return it. ``connection`` is in no transaction, as the pool gives it.

    While another process migrates, this one waits (after ``on_wait``), and then does what is left. A
    statement waits at most ``lock_timeout`` for a busy table. Raises InvalidMigration where files and history
    do not fit, before anything is written, and MigrationFailed with file, line and statement; of the
    migration that failed nothing is left, those before it stay.
    """
    with _alone(connection, on_wait):
        found = progress(connection, migrations)
        if found.problems:
            raise InvalidMigration("\n".join(found.problems))
        connection.execute(_CREATE_HISTORY)
        for migration in found.pending:
            _apply(connection, migration, lock_timeout)
            on_applied(migration)
    return [*found.pending]


_CREATE_HISTORY = f"""
    CREATE TABLE IF NOT EXISTS {HISTORY} (
        number integer PRIMARY KEY,
        name text NOT NULL,
        checksum text NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now()
    )
"""
_READ_HISTORY = f"SELECT number, name, checksum, applied_at FROM {HISTORY} ORDER BY number"  # noqa: S608 - a constant
_REMEMBER = f"INSERT INTO {HISTORY} (number, name, checksum) VALUES (%s, %s, %s)"  # noqa: S608 - a constant


def _read(path: Path) -> Migration:
    named = _FILE_NAME.fullmatch(path.name)
    if named is None:
        raise InvalidMigration(f"{path.name} is no name of a migration: 0001_what_it_does.sql is one")
    try:
        migration = Migration(int(named["number"]), path, path.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        raise InvalidMigration(f"{path.name} is not UTF-8: save it as that") from None
    _check(migration)
    return migration


def _check(migration: Migration) -> None:
    if not migration.statements:
        raise InvalidMigration(f"{migration.name} has no statement: write one, or remove the file")
    for statement in migration.statements:
        if problem := _problem(statement):
            raise InvalidMigration(f"{migration.name}, line {statement.line}: {problem}")


def _problem(statement: Statement) -> str:
    if statement.keyword in _ENDS_TRANSACTIONS:
        return f"{statement.keyword} is to be taken out: each migration is one transaction already"
    if statement.keyword == "COPY" and _COPY_HERE.search(statement.sql):
        return "COPY from here has no data: write INSERT instead"
    return ""


def _problems(migrations: Sequence[Migration], applied: Mapping[int, Applied]) -> Iterator[str]:
    newest = max(applied, default=0)
    for migration in migrations:
        entry = applied.get(migration.number)
        if entry is None and migration.number < newest:
            yield f"{migration.name} is too late, {applied[newest].name} is applied: give it the next number"
        elif entry is not None and entry.checksum != migration.checksum:
            yield (
                f"{migration.name} was edited after it was applied: "
                "put it back as it was, and write what is to change into a new migration"
            )
    present = {migration.number for migration in migrations}
    for entry in applied.values():
        if entry.number not in present:
            yield (
                f"{entry.name} was applied and is not here: "
                "put the file back, or use the checkout that the database was migrated with"
            )


def _history(connection: Connection) -> list[Applied]:
    # Asked in this way because a missing table would be an error in the database's log.
    if _value(connection, f"SELECT to_regclass('{HISTORY}')") is None:
        return []
    rows = connection.execute(_READ_HISTORY)
    return [Applied(*row) for row in rows.fetchall()]


def _value(connection: Connection, query: str) -> Any:
    row = connection.execute(query.encode()).fetchone()
    return row[0] if row else None


@contextmanager
def _alone(connection: Connection, on_wait: Callable[[], None]) -> Iterator[None]:
    autocommit, connection.autocommit = connection.autocommit, True
    # The time that a query may take is for queries, neither for this wait nor for migrations.
    timeout = _value(connection, "SELECT current_setting('statement_timeout')")
    connection.execute("SET statement_timeout = 0")
    if not _value(connection, f"SELECT pg_try_advisory_lock({LOCK})"):
        on_wait()
        connection.execute(f"SELECT pg_advisory_lock({LOCK})")
    try:
        yield
    finally:
        if not connection.closed:  # a closed one has given it up
            connection.execute(f"SELECT pg_advisory_unlock({LOCK})")
            connection.execute("SELECT set_config('statement_timeout', %s, false)", [timeout])
            connection.autocommit = autocommit


def _apply(connection: Connection, migration: Migration, lock_timeout: timedelta) -> None:
    milliseconds = int(lock_timeout.total_seconds() * 1000)
    with connection.transaction():
        connection.execute("SELECT set_config('lock_timeout', %s, true)", [f"{milliseconds}ms"])
        for statement in migration.statements:
            _execute(connection, migration, statement)
        connection.execute(_REMEMBER, [migration.number, migration.name, migration.checksum])


def _execute(connection: Connection, migration: Migration, statement: Statement) -> None:
    try:
        connection.execute(statement.sql.encode())
    except psycopg.Error as error:
        raise MigrationFailed(
            f"{migration.name}, line {_line_of(error, statement)}: {_reason(error)}\n"
            f"  in: {statement.summary}\n"
            "Nothing of this migration is left in the database: mend the file, and run it again."
        ) from error


def _line_of(error: psycopg.Error, statement: Statement) -> int:
    """Where Postgres saw the mistake, if it says so; otherwise where the statement begins."""
    position = int(error.diag.statement_position or 1)
    return statement.line + statement.sql.count("\n", 0, position - 1)


def _reason(error: psycopg.Error) -> str:
    said = error.diag.message_primary or str(error).strip() or type(error).__name__
    more = [text for text in (error.diag.message_detail, error.diag.message_hint) if text]
    return " ".join([said, *(f"({text})" for text in more)])
