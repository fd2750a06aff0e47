"""Bring the database up to date: ``python -m src.scripts.migrate``.

migrate             apply what is pending
migrate --dry-run   show what would be applied, and change nothing
migrate status      show what is applied and what is pending
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from blackcat import BlackcatError
from blackcat.arbok.migrations import Connection, Migration, migrate, migrations_in, progress

from ..core.mew.arbok import postgres

MIGRATIONS = Path(__file__).parent / "migrations"


def main(arguments: Sequence[str] | None = None, folder: Path = MIGRATIONS) -> int:
    """The exit status: 0, or 1 if something has to be mended first; the text on stderr says what."""
    asked = _parser().parse_args(arguments)
    try:
        migrations = migrations_in(folder)
        with postgres.pool().connection() as connection:
            if asked.action == "status":
                return show_status(connection, migrations)
            if asked.dry_run:
                return show_plan(connection, migrations)
            return apply(connection, migrations)
    except BlackcatError as error:
        print(error, file=sys.stderr)
        return 1


def apply(connection: Connection, migrations: Sequence[Migration]) -> int:
    done = migrate(
        connection,
        migrations,
        on_wait=lambda: print("another migration is under way: waiting for its end", flush=True),
        on_applied=lambda migration: print(f"applied {migration.name}", flush=True),
    )
    print(f"the database is up to date: {len(done)} applied now")
    return 0


def show_plan(connection: Connection, migrations: Sequence[Migration]) -> int:
    found = progress(connection, migrations)
    for migration in found.pending:
        print(f"-- {migration.name}")
        for statement in migration.statements:
            print(f"{statement.sql};")
    print(f"-- {len(found.pending)} to apply; nothing was changed")
    return _problems(found.problems)


def show_status(connection: Connection, migrations: Sequence[Migration]) -> int:
    found = progress(connection, migrations)
    for applied in found.applied:
        print(f"{applied.name:<40} applied {applied.applied_at:%Y-%m-%d %H:%M:%S %Z}")
    for migration in found.pending:
        print(f"{migration.name:<40} pending")
    return _problems(found.problems)


def _problems(problems: Sequence[str]) -> int:
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="migrate", description="Bring the database up to date.")
    parser.add_argument("action", nargs="?", choices=["apply", "status"], default="apply")
    parser.add_argument("--dry-run", action="store_true", help="show what would be applied")
    return parser


if __name__ == "__main__":
    sys.exit(main())
