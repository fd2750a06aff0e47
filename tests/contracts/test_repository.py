"""Typed repositories, in memory and on DynamoDB's protocol; the finer points are tested in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from uuid import UUID, uuid4

import pytest

from blackcat import DynamoRepository
from blackcat.adapters_aws import AwsOptions, DynamoTable, DynamoTransactions, Provisioner
from blackcat.application.ports import Table, Transactions
from blackcat.domain.conditions import less_than
from blackcat.errors import ConditionFailed, TransactionCanceled
from blackcat.resources import TableIndex, TableResource
from blackcat.testing import FrozenClock, InMemoryTable, InMemoryTransactions

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


Create = Callable[[TableResource], Table]


class RepositoryContract:
    """It gives the fixtures ``create``, which makes a table of a resource, and ``transactions``."""

    @pytest.fixture
    def orders(self, create: Create, unique: str) -> DynamoRepository[Order]:
        indexes = [TableIndex("by_state", "state", "placed_at"), TableIndex("by_agent", "agent")]
        return DynamoRepository(Order, create(TableResource(unique, key="id", indexes=indexes)))

    def test_an_entity_comes_back_until_another_writer_changed_it(
        self, orders: DynamoRepository[Order]
    ) -> None:
        saved = orders.save(_order(tags={"a", "b"}))
        assert orders.get(saved.id) == saved
        paid = orders.save(replace(saved, state=State.PAID, tags=set()))
        assert orders.get_batch([uuid4(), saved.id]) == [None, paid]
        for late in (orders.save, orders.delete):
            with pytest.raises(ConditionFailed):
                late(saved)
        orders.delete(paid)
        assert orders.get(saved.id) is None

    def test_an_index_is_read_page_by_page(self, orders: DynamoRepository[Order]) -> None:
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

    def test_what_was_written_without_a_version_is_saved_while_it_has_none(
        self, create: Create, unique: str
    ) -> None:
        table = create(TableResource(unique, key="day"))
        table.save({"day": "2030-01-01", "orders": 1})
        counts = DynamoRepository(Counted, table)
        found = counts.get("2030-01-01")
        assert found == Counted("2030-01-01", 1, version=-1)
        with pytest.raises(ConditionFailed):
            counts.save(Counted("2030-01-01", 0))
        assert counts.save(found) == counts.get("2030-01-01") == replace(found, version=1)
        for late in (counts.save, counts.delete):
            with pytest.raises(ConditionFailed):
                late(found)

    def test_a_transaction_spans_repositories(
        self, orders: DynamoRepository[Order], create: Create, transactions: Transactions, unique: str
    ) -> None:
        counts = DynamoRepository(Counted, create(TableResource(f"{unique}-counts", key="day")))
        order, count = _order(), Counted("2030-01-01", 1)
        for _ in range(2):
            transactions.write([orders.saving(order), counts.saving(count)], token=unique)
        with pytest.raises(TransactionCanceled) as raised:
            transactions.write([orders.saving(_order()), counts.saving(count)])
        assert list(raised.value.failures) == [1]
        assert orders.get(order.id) == replace(order, version=1)
        assert len(list(orders.query(State.OPEN, index="by_state"))) == 1
        assert counts.get("2030-01-01") == replace(count, version=1)


class TestRepositoryInMemory(RepositoryContract):
    @pytest.fixture
    def create(self) -> Create:
        return InMemoryTable

    @pytest.fixture
    def transactions(self) -> InMemoryTransactions:
        return InMemoryTransactions(FrozenClock())


class TestDynamoRepository(RepositoryContract):
    @pytest.fixture
    def create(self, aws_options: AwsOptions) -> Create:
        def create(resource: TableResource) -> DynamoTable:
            Provisioner(aws_options).create(resource)
            return DynamoTable(resource, aws_options)

        return create

    @pytest.fixture
    def transactions(self, aws_options: AwsOptions) -> DynamoTransactions:
        return DynamoTransactions(aws_options)


def _order(day: int = 0, **more: object) -> Order:
    return Order(uuid4(), NOW + timedelta(days=day), Decimal("10.50"), **more)
