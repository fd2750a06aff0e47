"""Payments that nobody pays expire; all others stay as they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from punq import Container

from blackcat.testing import FrozenClock
from payment.application.ports.driving.expire_pending_payments_usecase_contracts import (
    ExpirePendingPaymentsUseCase,
)
from payment.application.usecases.expire_pending_payments_usecase import ExpirePendingPayments
from payment.domain.entities.payment import Payment, PaymentStatus
from payment.infra.repositories.payment_repository import TablePaymentRepository
from tests.unit.builders import a_payment


@dataclass(frozen=True, kw_only=True)
class LateIndex(TablePaymentRepository):
    """Its index shows what the table held a moment ago, as DynamoDB's may."""

    shown: tuple[Payment, ...]

    def pending_created_before(self, instant: datetime) -> Iterator[Payment]:
        return iter(self.shown)


@pytest.fixture
def expire_pending_payments(container: Container) -> ExpirePendingPayments:
    use_case: ExpirePendingPayments = container.resolve(ExpirePendingPaymentsUseCase)
    return use_case


def test_only_payments_pending_for_too_long_expire(
    expire_pending_payments: ExpirePendingPayments, payments: TablePaymentRepository, clock: FrozenClock
) -> None:
    overdue = [payments.save(a_payment(created_at=clock.now())) for _ in range(3)]
    confirmed = payments.save(payments.save(a_payment(created_at=clock.now())).confirm(clock.now()))
    clock.advance(timedelta(seconds=1))
    recent = payments.save(a_payment(created_at=clock.now()))
    clock.advance(timedelta(seconds=900))

    assert expire_pending_payments.execute() == 3

    expired = [payments.get(payment.id) for payment in overdue]
    assert [payment.status for payment in expired if payment] == [PaymentStatus.EXPIRED] * 3
    assert payments.get(confirmed.id) == confirmed
    assert payments.get(recent.id) == recent


def test_a_second_run_finds_nothing(
    expire_pending_payments: ExpirePendingPayments, payments: TablePaymentRepository, clock: FrozenClock
) -> None:
    payments.save(a_payment(created_at=clock.now()))
    clock.advance(timedelta(hours=1))

    assert (expire_pending_payments.execute(), expire_pending_payments.execute()) == (1, 0)


def test_a_run_that_has_to_stop_leaves_the_rest_to_the_next(
    expire_pending_payments: ExpirePendingPayments, payments: TablePaymentRepository, clock: FrozenClock
) -> None:
    for _ in range(3):
        payments.save(a_payment(created_at=clock.now()))
    clock.advance(timedelta(hours=1))
    asked = iter([False, False, True])

    assert expire_pending_payments.execute(stopping=lambda: next(asked)) == 2
    assert expire_pending_payments.execute() == 1


def test_a_payment_that_is_confirmed_at_the_last_moment_stays_confirmed(
    payments: TablePaymentRepository, clock: FrozenClock
) -> None:
    pending = payments.save(a_payment(created_at=clock.now()))
    confirmed = payments.save(pending.confirm(clock.now()))
    late = LateIndex(table=payments.table, shown=(pending,))

    expired = ExpirePendingPayments(payments=late, expires_after=timedelta(0), clock=clock).execute()

    assert expired == 0
    assert payments.get(pending.id) == confirmed
