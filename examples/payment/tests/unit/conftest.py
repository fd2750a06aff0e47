"""The application on adapters in memory: everything is real but AWS and the time."""

from __future__ import annotations

from decimal import Decimal

import pytest
from punq import Container

from blackcat.application.ports import Clock
from blackcat.testing import FrozenClock, InMemoryBroker, InMemoryQueue, InMemoryTable, InMemoryTopic
from payment.application.config.start_payment_config import StartPaymentConfig
from payment.application.ports.driven.payment_repository_contracts import PaymentRepository
from payment.application.ports.driven.queue_adapter_contracts import StartPaymentQueue
from payment.application.ports.driven.topic_adapter_contracts import PaymentStartedTopic
from payment.infra.adapters.start_payment_usecase_config_adapter import start_payment_config
from payment.infra.config.settings import PaymentSettings
from payment.infra.container import bind_use_cases
from payment.infra.repositories.payment_repository import TablePaymentRepository
from services import payment_started as payment_started_resource
from services import payments as payments_resource
from services import start_payment_cmd


@pytest.fixture
def settings() -> PaymentSettings:
    return PaymentSettings(
        payment_expires_after_seconds=900,
        payment_maximum_amount=Decimal(1000),
        payment_accepted_currencies="BRL, EUR",
    )


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def payments() -> TablePaymentRepository:
    return TablePaymentRepository(table=InMemoryTable(payments_resource))


@pytest.fixture
def payment_started() -> InMemoryTopic:
    return InMemoryTopic(payment_started_resource)


@pytest.fixture
def commands() -> InMemoryQueue:
    return InMemoryBroker().create(start_payment_cmd)


@pytest.fixture
def container(
    settings: PaymentSettings,
    clock: FrozenClock,
    payments: TablePaymentRepository,
    payment_started: InMemoryTopic,
    commands: InMemoryQueue,
) -> Container:
    container = Container()
    container.register(Clock, instance=clock)
    container.register(PaymentRepository, instance=payments)
    container.register(PaymentStartedTopic, instance=payment_started)
    container.register(StartPaymentQueue, instance=commands)
    container.register(StartPaymentConfig, instance=start_payment_config(settings))
    bind_use_cases(container, settings)
    return container
