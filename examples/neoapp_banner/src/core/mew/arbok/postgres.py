"""Postgres: one pool per process, by the secret that the settings name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import blackcat

from ....config import Settings
from ...utils.notations import Database, Records
from ..config import settings_of

if TYPE_CHECKING:
    from blackcat.arbok.postgres import PostgresPool


def pool() -> PostgresPool:
    """Nothing is called before a connection is borrowed: ``with pool().connection() as connection``."""
    settings = settings_of(Settings)
    return blackcat.postgres_pool(
        settings.postgres_secret, tls=settings.database_tls, ca_file=settings.database_ca_file
    )


def database() -> Database:
    return PostgresDatabase(pool)


@dataclass(frozen=True)
class PostgresDatabase:
    """A connection is borrowed for each transaction, and given back at its end."""

    pool: Callable[[], PostgresPool]

    @contextmanager
    def transaction(self) -> Iterator[Records]:
        from blackcat.arbok.records import PostgresRecords

        with self.pool().connection() as connection:
            yield PostgresRecords(connection)
