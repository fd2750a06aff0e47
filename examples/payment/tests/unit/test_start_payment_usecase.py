"""A command makes one payment, however often it comes, and announces it."""

from __future__ import annotations

import json

import pytest
from punq import Container

from blackcat.testing import FrozenClock, InMemoryTopic
from payment.application.ports.driving.start_payment_usecase_contracts import StartPaymentUseCase
from payment.application.usecases.start_payment_usecase import StartPayment
from payment.domain.entities.payment import InvalidPayment, PaymentStatus
from payment.infra.repositories.payment_repository import TablePaymentRepository
from tests.unit.builders import a_command


@pytest.fixture
def start_payment(container: Container) -> StartPayment:
    use_case: StartPayment = container.resolve(StartPaymentUseCase)
    return use_case


def test_a_command_stores_a_pending_payment(
    start_payment: StartPayment, payments: TablePaymentRepository, clock: FrozenClock
) -> None:
    command = a_command()

    start_payment.execute(command)

    stored = payments.get(command.payment_id)
    assert stored is not None
    assert (stored.amount, stored.currency, stored.method) == (
        command.amount,
        command.currency,
        command.method,
    )
    assert stored.status is PaymentStatus.PENDING
    assert stored.created_at == clock.now()


def test_a_payment_is_announced(start_payment: StartPayment, payment_started: InMemoryTopic) -> None:
    command = a_command(amount="10.5")

    start_payment.execute(command)

    (announced,) = payment_started.published
    assert json.loads(announced.body) == {
        "payment_id": str(command.payment_id),
        "amount": "10.50",
        "currency": "BRL",
        "method": "pix",
    }


def test_a_repeated_command_announces_again_while_the_payment_is_pending(
    start_payment: StartPayment, payments: TablePaymentRepository, payment_started: InMemoryTopic
) -> None:
    command = a_command()

    start_payment.execute(command)
    start_payment.execute(command)

    stored = payments.get(command.payment_id)
    assert stored is not None
    assert stored.version == 1
    first, second = payment_started.published
    assert first.body == second.body


def test_a_repeated_command_does_nothing_to_a_confirmed_payment(
    start_payment: StartPayment,
    payments: TablePaymentRepository,
    payment_started: InMemoryTopic,
    clock: FrozenClock,
) -> None:
    command = a_command()
    start_payment.execute(command)
    stored = payments.get(command.payment_id)
    assert stored is not None
    payments.save(stored.confirm(clock.now()))
    payment_started.published.clear()

    start_payment.execute(command)

    again = payments.get(command.payment_id)
    assert again is not None
    assert again.status is PaymentStatus.CONFIRMED
    assert payment_started.published == []


@pytest.mark.parametrize(
    ("amount", "currency", "problem"),
    [
        ("1000.01", "BRL", "amount must be at most 1000"),
        ("10", "USD", "currency must be one of BRL, EUR"),
        ("-10", "BRL", "amount must be positive"),
    ],
)
def test_a_refused_payment_is_neither_stored_nor_announced(
    amount: str,
    currency: str,
    problem: str,
    start_payment: StartPayment,
    payments: TablePaymentRepository,
    payment_started: InMemoryTopic,
) -> None:
    command = a_command(amount=amount, currency=currency)

    with pytest.raises(InvalidPayment, match=problem):
        start_payment.execute(command)

    assert payments.get(command.payment_id) is None
    assert payment_started.published == []


def test_the_limits_belong_to_those_accepted(
    start_payment: StartPayment, payments: TablePaymentRepository
) -> None:
    command = a_command(amount="1000", currency="EUR")

    start_payment.execute(command)

    assert payments.get(command.payment_id) is not None
