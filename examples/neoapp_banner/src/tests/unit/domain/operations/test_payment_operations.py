"""A payment is charged once, whatever is repeated, lost or late."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from .....core.utils.helpers import ServiceUnavailable
from .....domain.models.payment_models import ChargePayment, PaymentConflict, PaymentNotFound, SettlePayment
from .....domain.operations.payment_operations import PaymentOperations
from ....fakes import FrozenClock, InMemoryDatabase, InMemoryGateway

CARD = {"type": "card", "token": "tok_1"}
PIX = {"type": "pix"}


@dataclass
class Shop:
    """Payments with all that is behind them."""

    clock: FrozenClock = field(default_factory=FrozenClock)

    def __post_init__(self) -> None:
        self.database = InMemoryDatabase(
            payments=["payment_id"], installments=["payment_id", "number"], notifications=["notification_id"]
        )
        self.gateway = InMemoryGateway(self.clock)
        self.payments = PaymentOperations(self.clock, self.database, self.gateway)

    def told(self) -> list[str]:
        return [row["subject"] for row in self.database.find("notifications")]


@pytest.fixture
def shop() -> Shop:
    return Shop()


def wanted(method: dict[str, Any], **fields: Any) -> ChargePayment:
    customer = {"name": "Ana", "email": "ana@example.com", "document": "12345678909"}
    asked = {"reference": "A-1", "amount_cents": 10_000, "customer": customer, "method": method}
    return ChargePayment.model_validate({**asked, **fields})


def test_a_card_is_charged_once_however_often_it_is_asked(shop: Shop) -> None:
    first = shop.payments.charge(wanted(CARD))
    assert shop.payments.charge(wanted(CARD)) == first == shop.payments.get(first.payment_id)
    assert (first.status, shop.gateway.amounts) == ("paid", [10_000])
    assert shop.told() == ["A-1 is paid"]


REFUSED = {"type": "card", "token": "tok_refused"}
INVALID = {"type": "card", "token": "tok_invalid"}


@pytest.mark.parametrize("method", [CARD, PIX, REFUSED, INVALID])
def test_a_payment_that_has_its_charge_or_its_end_asks_the_provider_nothing(
    shop: Shop, method: dict[str, Any]
) -> None:
    first = shop.payments.charge(wanted(method))
    assert shop.payments.charge(wanted(method)) == first
    assert shop.gateway.calls == 1


def test_a_payment_whose_answer_was_lost_goes_on_with_the_same_charge(shop: Shop) -> None:
    shop.gateway.outages = 1
    with pytest.raises(ServiceUnavailable):
        shop.payments.charge(wanted(CARD))
    assert shop.told() == []
    assert shop.payments.charge(wanted(CARD)).status == "paid"
    assert shop.gateway.amounts == [10_000]


def test_in_installments_the_interest_is_charged_and_the_parts_are_kept(shop: Shop) -> None:
    payment = shop.payments.charge(wanted({**CARD, "installments": 10}, amount_cents=100_000))
    assert (payment.amount_cents, payment.total_cents) == (100_000, 111_268)
    assert shop.gateway.amounts == [111_268]
    parts = shop.database.find("installments", ("payment_id", "=", payment.payment_id))
    assert sum(part["amount_cents"] for part in parts) == 111_268
    assert {part["recipient"] for part in parts} == {"ana@example.com"}


@pytest.mark.parametrize("method", [REFUSED, INVALID])
def test_what_is_refused_is_told_with_the_reason_kept_and_nothing_is_owed(
    shop: Shop, method: dict[str, Any]
) -> None:
    payment = shop.payments.charge(wanted({**method, "installments": 2}))
    assert (payment.status, payment.reason) == ("refused", "no credit")
    assert shop.told() == ["A-1 was not paid"]
    assert shop.database.find("installments") == []


@pytest.mark.parametrize(
    "other",
    [{"amount_cents": 10_001}, {"method": PIX}, {"method": {**CARD, "installments": 2}}],
)
def test_a_reference_belongs_to_one_payment(shop: Shop, other: dict[str, Any]) -> None:
    shop.payments.charge(wanted(CARD))
    with pytest.raises(PaymentConflict, match="choose another reference"):
        shop.payments.charge(wanted(**{"method": CARD, **other}))
    assert len(shop.gateway.charges) == 1


def test_pix_is_awaited_and_then_paid(shop: Shop) -> None:
    payment = shop.payments.charge(wanted(PIX))
    assert (payment.status, payment.pix_code) == ("pending", "pix-A-1")
    assert payment.charge_id is not None
    for _ in range(2):
        shop.payments.settle(SettlePayment(charge_id=payment.charge_id, status="paid"))
    assert shop.payments.get(payment.payment_id).status == "paid"
    assert shop.told() == ["Pay A-1 by pix", "A-1 is paid"]


def test_pix_that_nobody_pays_expires_and_money_that_comes_too_late_still_counts(shop: Shop) -> None:
    payment = shop.payments.charge(wanted(PIX))
    shop.clock.advance(minutes=59)
    assert shop.payments.expire_unpaid() == 0
    shop.clock.advance(minutes=1)
    assert [shop.payments.expire_unpaid() for _ in range(2)] == [1, 0]
    assert shop.payments.get(payment.payment_id).status == "expired"
    shop.payments.settle(SettlePayment(charge_id="ch_A-1", status="paid"))
    assert shop.payments.get(payment.payment_id).status == "paid"


def test_news_that_cannot_be_are_refused(shop: Shop) -> None:
    shop.payments.charge(wanted(CARD))
    with pytest.raises(PaymentConflict, match="is paid already"):
        shop.payments.settle(SettlePayment(charge_id="ch_A-1", status="refused"))
    with pytest.raises(PaymentNotFound, match="charge_id 'ch_other'"):
        shop.payments.settle(SettlePayment(charge_id="ch_other", status="paid"))
    with pytest.raises(PaymentNotFound):
        shop.payments.get("nowhere")


def test_who_comes_second_takes_what_the_first_one_kept(shop: Shop) -> None:
    shop.gateway.outages = 1
    with pytest.raises(ServiceUnavailable):
        shop.payments.charge(wanted(PIX))

    class Slow(InMemoryGateway):
        def charge_pix(self, **asked: Any) -> Any:
            # Meanwhile another invocation goes on with the same payment, and it is paid.
            other = shop.payments.charge(wanted(PIX))
            shop.payments.settle(SettlePayment(charge_id=str(other.charge_id), status="paid"))
            return shop.gateway.charge_pix(**asked)

    slow = PaymentOperations(shop.clock, shop.database, Slow(shop.clock))
    assert slow.charge(wanted(PIX)).status == "paid"
    assert shop.told() == ["Pay A-1 by pix", "A-1 is paid"]
