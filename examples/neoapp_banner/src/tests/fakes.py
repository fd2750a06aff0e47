"""What stands in for the outside in unit tests: each fulfils a Protocol of core/utils/notations.py."""

from __future__ import annotations

import copy
import operator
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from ..core.utils.helpers import ServiceUnavailable
from ..core.utils.notations import Cents, ChargeStatus, Comparison, Condition, Payer, Row

NOON = datetime(2030, 1, 31, 12, tzinfo=timezone.utc)
COMPARISONS: dict[Comparison, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass
class FrozenClock:
    time: datetime = NOON

    def now(self) -> datetime:
        return self.time

    def advance(self, **duration: float) -> None:
        self.time += timedelta(**duration)


class InMemoryDatabase:
    """Tables with the columns of their keys: ``InMemoryDatabase(banners=["banner_id"])``."""

    def __init__(self, **keys: Sequence[str]) -> None:
        self.keys = keys
        self.tables: dict[str, list[dict[str, Any]]] = {table: [] for table in keys}

    @contextmanager
    def transaction(self) -> Iterator[InMemoryDatabase]:
        before = copy.deepcopy(self.tables)
        try:
            yield self
        except BaseException:
            self.tables = before
            raise

    def add(self, table: str, row: Row) -> bool:
        if any(all(kept[key] == row[key] for key in self.keys[table]) for kept in self.tables[table]):
            return False
        self.tables[table].append(dict(row))
        return True

    def find(self, table: str, *conditions: Condition) -> list[dict[str, Any]]:
        return [dict(row) for row in self._matching(table, conditions)]

    def change(self, table: str, changes: Row, *conditions: Condition) -> int:
        rows = self._matching(table, conditions)
        for row in rows:
            row.update(changes)
        return len(rows)

    def _matching(self, table: str, conditions: Sequence[Condition]) -> list[dict[str, Any]]:
        return [row for row in self.tables[table] if all(_holds(row, condition) for condition in conditions)]


def _holds(row: Row, condition: Condition) -> bool:
    column, comparison, value = condition
    if comparison == "=":
        return bool(row[column] == value)
    return row[column] is not None and COMPARISONS[comparison](row[column], value)  # as NULL in SQL


@dataclass
class ListModerator:
    """Objects to the words that it knows."""

    words: dict[str, str] = field(default_factory=dict)

    def objections(self, text: str) -> list[str]:
        return [category for word, category in self.words.items() if word in text]


@dataclass
class FixedText:
    text: str = "A text"
    asked: list[str] = field(default_factory=list)

    def write(self, *, task: str, about: str) -> str:
        self.asked.append(about)
        return self.text


@dataclass(frozen=True)
class FakeCharge:
    charge_id: str | None
    status: ChargeStatus
    reason: str = ""
    pix_code: str = ""
    expires_at: datetime | None = None


@dataclass
class InMemoryGateway:
    """Charges each key once; ``outages`` calls are carried out, and their answers lost."""

    clock: FrozenClock
    outages: int = 0
    refused: tuple[str, ...] = ("tok_refused", "tok_invalid")
    charges: dict[str, FakeCharge] = field(default_factory=dict)
    amounts: list[Cents] = field(default_factory=list)
    calls: int = 0

    def charge_card(
        self, *, key: str, reference: str, amount: Cents, payer: Payer, card_token: str, installments: int
    ) -> FakeCharge:
        charge_id = None if card_token == "tok_invalid" else f"ch_{reference}"
        if card_token in self.refused:
            return self._charge(key, amount, FakeCharge(charge_id, "refused", reason="no credit"))
        return self._charge(key, amount, FakeCharge(charge_id, "paid"))

    def charge_pix(
        self, *, key: str, reference: str, amount: Cents, payer: Payer, expires_in: int
    ) -> FakeCharge:
        until = self.clock.now() + timedelta(seconds=expires_in)
        waiting = FakeCharge(f"ch_{reference}", "pending", pix_code=f"pix-{reference}", expires_at=until)
        return self._charge(key, amount, waiting)

    def _charge(self, key: str, amount: Cents, charge: FakeCharge) -> FakeCharge:
        self.calls += 1
        if key not in self.charges:
            self.charges[key] = charge
            self.amounts.append(amount)
        if self.outages:
            self.outages -= 1
            raise ServiceUnavailable("gateway", "the answer is lost")
        return self.charges[key]
