"""Typed repositories on DynamoDB's protocol; what they promise is tested in memory."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from uuid import UUID, uuid4

import pytest

from blackcat import DynamoRepository
from blackcat.adapters_aws import AwsOptions, DynamoTable, DynamoTransactions, Provisioner
from blackcat.domain.conditions import less_than
from blackcat.errors import ConditionFailed, TransactionCanceled
from blackcat.resources import TableIndex, TableResource

NOW = datetime(2030, 1, 1, tzinfo=timezone.utc)


class State(Enum):
    OPEN = "open"
    PAID = "paid"


@dataclass(frozen=True)
class Order:
    id: UUID
    placed_at: datetime
    amount: Decimal
    state: State = State.OPEN
    tags: set[str] = field(default_factory=set)
    lasts: timedelta = timedelta(days=1, microseconds=1)
    photo: bytes = b"\x00\xff"
    note: str = ""
    agent: str | None = None
    version: int = 0


@dataclass(frozen=True)
class Counted:
    day: str
    orders: int
    version: int = 0


def _repository(kind: type, name: str, options: AwsOptions, **more: object) -> DynamoRepository:
    resource = TableResource(name, **more)
    Provisioner(options).create(resource)
    return DynamoRepository(kind, DynamoTable(resource, options))


@pytest.fixture
def orders(aws_options: AwsOptions, unique: str) -> DynamoRepository[Order]:
    indexes = [TableIndex("by_state", "state", "placed_at"), TableIndex("by_agent", "agent")]
    return _repository(Order, unique, aws_options, key="id", indexes=indexes)


def _order(day: int = 0, **more: object) -> Order:
    return Order(uuid4(), NOW + timedelta(days=day), Decimal("10.50"), **more)


def test_an_entity_comes_back_until_another_writer_changed_it(orders: DynamoRepository[Order]) -> None:
    saved = orders.save(_order(tags={"a", "b"}))
    assert orders.get(saved.id) == saved
    paid = orders.save(replace(saved, state=State.PAID, tags=set()))
    assert orders.get_batch([uuid4(), saved.id]) == [None, paid]
    for late in (orders.save, orders.delete):
        with pytest.raises(ConditionFailed):
            late(saved)
    orders.delete(paid)
    assert orders.get(saved.id) is None


def test_an_index_is_read_page_by_page(orders: DynamoRepository[Order]) -> None:
    saved = [orders.save(_order(day)) for day in (0, 1, 1, 1, 2)]
    found, cursor = [], None
    while not found or cursor:
        page = orders.page(
            State.OPEN, index="by_state", size=2, cursor=cursor, sort=less_than(saved[4].placed_at)
        )
        found += page.entities
        cursor = page.cursor
    assert {one.id for one in found} == {one.id for one in saved[:4]}
    assert len(found) == 4


def test_a_transaction_spans_repositories(
    orders: DynamoRepository[Order], aws_options: AwsOptions, unique: str
) -> None:
    counts = _repository(Counted, f"{unique}-counts", aws_options, key="day")
    transactions = DynamoTransactions(aws_options)
    order, count = _order(), Counted("2030-01-01", 1)
    for _ in range(2):
        transactions.write([orders.saving(order), counts.saving(count)], token=unique)
    with pytest.raises(TransactionCanceled) as raised:
        transactions.write([orders.saving(_order()), counts.saving(count)])
    assert list(raised.value.failures) == [1]
    assert orders.get(order.id) == replace(order, version=1)
    assert len(list(orders.query(State.OPEN, index="by_state"))) == 1
    assert counts.get("2030-01-01") == replace(count, version=1)
