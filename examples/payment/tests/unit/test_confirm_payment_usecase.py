"""A pending payment is confirmed once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from punq import Container

from blackcat.testing import FrozenClock
from payment.application.ports.driving.confirm_payment_usecase_contracts import (
    ConfirmPaymentUseCase,
    PaymentNotFound,
    PaymentProcessed,
)
from payment.application.usecases.confirm_payment_usecase import ConfirmPayment
from payment.domain.entities.payment import InvalidTransition, PaymentStatus
from payment.infra.repositories.payment_repository import TablePaymentRepository
from tests.unit.builders import a_payment


@pytest.fixture
def confirm_payment(container: Container) -> ConfirmPayment:
    use_case: ConfirmPayment = container.resolve(ConfirmPaymentUseCase)
    return use_case


def test_a_pending_payment_is_confirmed(
    confirm_payment: ConfirmPayment, payments: TablePaymentRepository, clock: FrozenClock
) -> None:
    payment = payments.save(a_payment(created_at=clock.now()))
    clock.advance(timedelta(minutes=1))

    confirm_payment.execute(PaymentProcessed(payment_id=payment.id))

    confirmed = payments.get(payment.id)
    assert confirmed is not None
    assert confirmed.status is PaymentStatus.CONFIRMED
    assert confirmed.updated_at == clock.now()


def test_the_same_event_again_changes_nothing(
    confirm_payment: ConfirmPayment, payments: TablePaymentRepository, clock: FrozenClock
) -> None:
    event = PaymentProcessed(payment_id=payments.save(a_payment()).id)
    confirm_payment.execute(event)
    confirmed = payments.get(event.payment_id)
    clock.advance(timedelta(minutes=1))

    confirm_payment.execute(event)

    assert payments.get(event.payment_id) == confirmed


def test_a_payment_that_is_not_stored_yet_is_reported(confirm_payment: ConfirmPayment) -> None:
    with pytest.raises(PaymentNotFound, match="not stored yet"):
        confirm_payment.execute(PaymentProcessed(payment_id=a_payment().id))


def test_an_expired_payment_is_not_confirmed(
    confirm_payment: ConfirmPayment, payments: TablePaymentRepository, clock: FrozenClock
) -> None:
    expired = payments.save(a_payment().expire(clock.now()))

    with pytest.raises(InvalidTransition):
        confirm_payment.execute(PaymentProcessed(payment_id=expired.id))

    assert payments.get(expired.id) == expired
