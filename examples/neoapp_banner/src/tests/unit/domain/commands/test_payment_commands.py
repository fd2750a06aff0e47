"""Payments as messages and schedules ask for them."""

from __future__ import annotations

from .....domain.commands.payment_commands import charge_payment, expire_unpaid_pix, settle_payment
from .....domain.models.payment_models import ChargePayment, ExpireUnpaidPix, SettlePayment
from .....domain.operations.payment_operations import PaymentOperations
from ....fakes import FrozenClock, InMemoryDatabase, InMemoryGateway


def pix(reference: str) -> ChargePayment:
    customer = {"name": "Ana", "email": "ana@example.com", "document": "12345678909"}
    asked = {"reference": reference, "amount_cents": 10_000, "customer": customer, "method": {"type": "pix"}}
    return ChargePayment.model_validate(asked)


def test_a_pix_is_charged_then_settled_or_expired() -> None:
    clock = FrozenClock()
    database = InMemoryDatabase(payments=["payment_id"], notifications=["notification_id"])
    operations = PaymentOperations(clock, database, InMemoryGateway(clock))
    charge_payment(pix("A-1"), operations)
    charge_payment(pix("A-2"), operations)
    settle_payment(SettlePayment(charge_id="ch_A-1", status="paid"), operations)
    clock.advance(hours=1)
    assert expire_unpaid_pix(ExpireUnpaidPix(), operations) == 1
    assert {row["reference"]: row["status"] for row in database.find("payments")} == {
        "A-1": "paid",
        "A-2": "expired",
    }
