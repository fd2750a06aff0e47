"""The queue contract, in memory and on SQS's protocol."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from blackcat.adapters_aws import AwsOptions, Provisioner, SqsBroker
from blackcat.resources import QueueResource
from blackcat.testing import FrozenClock, InMemoryBroker
from blackcat.testing.contracts import QueueContract


class TestInMemoryQueue(QueueContract):
    @pytest.fixture
    def clock(self) -> FrozenClock:
        return FrozenClock()

    @pytest.fixture
    def broker(self, clock: FrozenClock) -> InMemoryBroker:
        return InMemoryBroker(clock)

    @pytest.fixture
    def create(self, broker: InMemoryBroker) -> Callable[[QueueResource], object]:
        return broker.create

    @pytest.fixture
    def elapse(self, clock: FrozenClock) -> Callable[[float], None]:
        return lambda seconds: clock.advance(timedelta(seconds=seconds))


class TestSqsQueue(QueueContract):
    @pytest.fixture
    def broker(self, aws_options: AwsOptions) -> SqsBroker:
        return SqsBroker(aws_options)

    @pytest.fixture
    def create(self, aws_options: AwsOptions) -> Callable[[QueueResource], None]:
        return Provisioner(aws_options).create


class TestLeanSqsQueue(QueueContract):
    variant = "lean transport"

    @pytest.fixture
    def broker(self, aws_options: AwsOptions) -> SqsBroker:
        return SqsBroker(replace(aws_options, sqs_transport="lean"))

    @pytest.fixture
    def create(self, aws_options: AwsOptions) -> Callable[[QueueResource], None]:
        return Provisioner(aws_options).create
