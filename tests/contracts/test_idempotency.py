"""The idempotency contract: the store on a table in memory, and on a real one."""

import pytest

from blackcat.adapters_aws import AwsOptions, DynamoTable, Provisioner
from blackcat.application.idempotency import IdempotencyStore, TableIdempotencyStore
from blackcat.resources import TableResource
from blackcat.testing import FrozenClock, InMemoryTable
from blackcat.testing.contracts import IdempotencyContract


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


class TestInMemory(IdempotencyContract):
    @pytest.fixture
    def store(self, clock: FrozenClock) -> IdempotencyStore:
        return TableIdempotencyStore(InMemoryTable(TableResource("idempotency", key="key")), clock=clock)


@pytest.fixture(scope="module")
def table(aws_options: AwsOptions) -> DynamoTable:
    resource = TableResource("idempotency_contract", key="key")
    Provisioner(aws_options).create(resource)
    return DynamoTable(resource, aws_options)


class TestDynamo(IdempotencyContract):
    @pytest.fixture
    def store(self, table: DynamoTable, clock: FrozenClock) -> IdempotencyStore:
        return TableIdempotencyStore(table, clock=clock)
