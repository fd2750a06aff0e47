"""The rules of the entity."""

from __future__ import annotations

from datetime import timedelta

import pytest

from payment.domain.entities.payment import InvalidPayment, InvalidTransition, Payment, PaymentStatus
from tests.unit.builders import NOON, a_payment

LATER = NOON + timedelta(minutes=5)


def test_a_payment_starts_pending() -> None:
    payment = a_payment(created_at=NOON)

    assert payment.status is PaymentStatus.PENDING
    assert payment.created_at == payment.updated_at == NOON
    assert payment.version == 0


def test_an_amount_is_kept_in_cents() -> None:
    assert str(a_payment(amount="1E+3").amount) == "1000.00"


@pytest.mark.parametrize("amount", ["0", "-1", "0.001", "10.555", "NaN", "Infinity", "1E+40"])
def test_an_amount_is_a_positive_number_of_cents(amount: str) -> None:
    with pytest.raises(InvalidPayment, match="amount"):
        a_payment(amount=amount)


@pytest.mark.parametrize("currency", ["", "brl", "REAL", "R$1", "BRL\n"])
def test_a_currency_has_three_capital_letters(currency: str) -> None:
    with pytest.raises(InvalidPayment, match="currency"):
        a_payment(currency=currency)


def test_a_pending_payment_is_confirmed() -> None:
    confirmed = a_payment(created_at=NOON).confirm(LATER)

    assert confirmed.status is PaymentStatus.CONFIRMED
    assert (confirmed.created_at, confirmed.updated_at) == (NOON, LATER)


def test_a_pending_payment_expires() -> None:
    assert a_payment().expire(LATER).status is PaymentStatus.EXPIRED


@pytest.mark.parametrize("settled", [a_payment().confirm(LATER), a_payment().expire(LATER)])
def test_a_settled_payment_stays_as_it_is(settled: Payment) -> None:
    with pytest.raises(InvalidTransition, match=f"is {settled.status.value} cannot become confirmed"):
        settled.confirm(LATER)
    with pytest.raises(InvalidTransition, match=f"is {settled.status.value} cannot become expired"):
        settled.expire(LATER)
