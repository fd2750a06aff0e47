"""Rows of Postgres tables by name, key and condition, for projects that keep SQL out of their rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import psycopg
from psycopg.rows import dict_row
from psycopg.sql import SQL, Composable, Composed, Identifier, Placeholder

Row = Mapping[str, Any]
Comparison = Literal["=", "<", "<=", ">", ">="]
Condition = tuple[str, Comparison, Any]

_OPERATORS: dict[Comparison, SQL] = {
    "=": SQL(" IS NOT DISTINCT FROM "),  # so that a column equals None where it is NULL
    "<": SQL(" < "),
    "<=": SQL(" <= "),
    ">": SQL(" > "),
    ">=": SQL(" >= "),
}


class PostgresRecords:
    """Three verbs on the tables of one connection, within the transaction that it is in.

    Names are quoted and values are parameters: neither can become SQL. Raises psycopg.Error.
    """

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def add(self, table: str, row: Row) -> bool:
        """Insert the row; False, and nothing is changed, if one with a key of it is there already."""
        query = SQL("INSERT INTO {} ({}) VALUES ({}) ON CONFLICT DO NOTHING").format(
            Identifier(table),
            SQL(", ").join(map(Identifier, row)),
            SQL(", ").join([Placeholder()] * len(row)),
        )
        return self._execute(query, [*row.values()]).rowcount == 1

    def find(self, table: str, *conditions: Condition) -> list[dict[str, Any]]:
        """The rows that fulfil all conditions, in no particular order."""
        query = SQL("SELECT * FROM {}{}").format(Identifier(table), _where(conditions))
        return self._execute(query, _values(conditions)).fetchall()

    def change(self, table: str, changes: Row, *conditions: Condition) -> int:
        """Update the rows that fulfil all conditions; returns how many they were."""
        assignments = [SQL("{} = {}").format(Identifier(name), Placeholder()) for name in changes]
        query = SQL("UPDATE {} SET {}{}").format(
            Identifier(table), SQL(", ").join(assignments), _where(conditions)
        )
        return self._execute(query, [*changes.values(), *_values(conditions)]).rowcount

    def _execute(self, query: Composed, values: Sequence[Any]) -> psycopg.Cursor[dict[str, Any]]:
        return self._connection.cursor(row_factory=dict_row).execute(query, values)


def _where(conditions: Sequence[Condition]) -> Composable:
    if not conditions:
        return SQL("")
    parts = [Identifier(name) + _OPERATORS[comparison] + Placeholder() for name, comparison, _ in conditions]
    return SQL(" WHERE ") + SQL(" AND ").join(parts)


def _values(conditions: Sequence[Condition]) -> list[Any]:
    return [value for _, _, value in conditions]
