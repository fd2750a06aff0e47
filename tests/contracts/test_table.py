"""The table contract, in memory and on DynamoDB's protocol."""

from __future__ import annotations

import pytest

from blackcat.adapters_aws import AwsOptions, DynamoTable, Provisioner
from blackcat.testing import InMemoryTable
from blackcat.testing.contracts import TableContract


class TestInMemoryTable(TableContract):
    @pytest.fixture
    def table(self) -> InMemoryTable:
        return InMemoryTable(self.resource)


class TestDynamoTable(TableContract):
    @pytest.fixture
    def table(self, aws_options: AwsOptions) -> DynamoTable:
        Provisioner(aws_options).create(self.resource)
        return DynamoTable(self.resource, aws_options)
