"""The contract of transactions, in memory and on DynamoDB's protocol."""

from __future__ import annotations

from datetime import timedelta

import pytest

from blackcat.adapters_aws import AwsOptions, DynamoTable, DynamoTransactions, Provisioner
from blackcat.application.ports import Save
from blackcat.errors import InvalidRequest, TransactionCanceled
from blackcat.testing import FrozenClock, InMemoryTable, InMemoryTransactions
from blackcat.testing.contracts import TransactionsContract


class TestInMemoryTransactions(TransactionsContract):
    @pytest.fixture
    def clock(self) -> FrozenClock:
        return FrozenClock()

    @pytest.fixture
    def transactions(self, clock: FrozenClock) -> InMemoryTransactions:
        return InMemoryTransactions(clock)

    @pytest.fixture
    def orders(self) -> InMemoryTable:
        return InMemoryTable(self.orders_resource)

    @pytest.fixture
    def ledger(self) -> InMemoryTable:
        return InMemoryTable(self.ledger_resource)

    def test_a_token_is_forgotten_after_ten_minutes(
        self, transactions: InMemoryTransactions, orders: InMemoryTable, clock: FrozenClock
    ) -> None:
        transactions.write([Save(orders, {"id": "1"}, version=0)], token="t")
        clock.advance(timedelta(minutes=10))
        with pytest.raises(TransactionCanceled):
            transactions.write([Save(orders, {"id": "1"}, version=0)], token="t")

    def test_other_tables_are_refused(self, transactions: InMemoryTransactions) -> None:
        elsewhere = DynamoTable(self.orders_resource, AwsOptions())
        with pytest.raises(InvalidRequest, match="InMemoryTables only"):
            transactions.write([Save(elsewhere, {"id": "1"})])


class TestDynamoTransactions(TransactionsContract):
    @pytest.fixture
    def transactions(self, aws_options: AwsOptions) -> DynamoTransactions:
        return DynamoTransactions(aws_options)

    @pytest.fixture
    def orders(self, aws_options: AwsOptions) -> DynamoTable:
        Provisioner(aws_options).create(self.orders_resource)
        return DynamoTable(self.orders_resource, aws_options)

    @pytest.fixture
    def ledger(self, aws_options: AwsOptions) -> DynamoTable:
        Provisioner(aws_options).create(self.ledger_resource)
        return DynamoTable(self.ledger_resource, aws_options)
