"""What may be asked for in a queue or by a schedule: one command each function."""

from __future__ import annotations

from ..models.payment_models import ChargePayment, ExpireUnpaidPix, SettlePayment
from ..operations.payment_operations import PaymentOperations


def charge_payment(wanted: ChargePayment, operations: PaymentOperations) -> None:
    operations.charge(wanted)


def settle_payment(news: SettlePayment, operations: PaymentOperations) -> None:
    operations.settle(news)


def expire_unpaid_pix(wanted: ExpireUnpaidPix, operations: PaymentOperations) -> int:
    return operations.expire_unpaid()
