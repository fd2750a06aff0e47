"""Values as the tests need them: a test names only what it is about."""

from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal
from uuid import UUID, uuid4

from payment.application.ports.driving.start_payment_usecase_contracts import StartPaymentCommand
from payment.domain.entities.payment import Payment
from payment.domain.value_objects.payment_method import PaymentMethod

NOON = datetime(2030, 1, 1, 12, tzinfo=timezone.utc)


def a_command(
    *, payment_id: UUID | None = None, amount: str = "10.50", currency: str = "BRL"
) -> StartPaymentCommand:
    return StartPaymentCommand(
        payment_id=payment_id or uuid4(),
        amount=Decimal(amount),
        currency=currency,
        method=PaymentMethod.PIX,
    )


def a_payment(*, amount: str = "10.50", currency: str = "BRL", created_at: datetime = NOON) -> Payment:
    return Payment.start(
        id=uuid4(), amount=Decimal(amount), currency=currency, method=PaymentMethod.PIX, now=created_at
    )
