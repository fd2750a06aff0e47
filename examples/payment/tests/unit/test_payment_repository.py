"""What comes out of the table is what went in, and no change is lost."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from payment.application.ports.driven.payment_repository_contracts import PaymentChanged
from payment.infra.repositories.payment_repository import TablePaymentRepository
from tests.unit.builders import NOON, a_payment


@pytest.mark.parametrize("amount", ["10", "10.50", "0.01", "999999999999.99"])
def test_a_payment_is_read_as_it_was_saved(payments: TablePaymentRepository, amount: str) -> None:
    saved = payments.save(a_payment(amount=amount))

    read = payments.get(saved.id)

    assert read == saved
    assert str(saved.amount) == str(Decimal(amount).quantize(Decimal("0.01")))


def test_what_was_never_saved_is_not_there(payments: TablePaymentRepository) -> None:
    assert payments.get(a_payment().id) is None


def test_every_save_counts_the_version_up(payments: TablePaymentRepository) -> None:
    first = payments.save(a_payment())
    second = payments.save(first.confirm(NOON))

    assert (first.version, second.version) == (1, 2)


def test_a_payment_is_created_once(payments: TablePaymentRepository) -> None:
    payment = a_payment()
    payments.save(payment)

    with pytest.raises(PaymentChanged, match=str(payment.id)):
        payments.save(payment)


def test_of_two_changes_to_what_was_read_the_second_one_is_refused(payments: TablePaymentRepository) -> None:
    read = payments.save(a_payment())
    confirmed = payments.save(read.confirm(NOON))

    with pytest.raises(PaymentChanged):
        payments.save(read.expire(NOON))

    assert payments.get(read.id) == confirmed


def test_pending_payments_come_oldest_first(payments: TablePaymentRepository) -> None:
    second, first, third = (
        payments.save(a_payment(created_at=NOON + timedelta(microseconds=offset))) for offset in (1, 0, 2)
    )
    payments.save(a_payment(created_at=NOON).expire(NOON))

    found = payments.pending_created_before(third.created_at)

    assert list(found) == [first, second]
