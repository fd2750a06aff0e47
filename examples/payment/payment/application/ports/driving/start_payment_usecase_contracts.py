"""A driving port: what the outside may ask of the application, and in which words."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol
from uuid import UUID

from payment.domain.value_objects.payment_method import PaymentMethod


@dataclass(frozen=True, kw_only=True)
class StartPaymentCommand:
    """The wish for a payment; who sends it chooses the id, so that it can be sent twice safely."""

    payment_id: UUID
    amount: Decimal
    currency: str
    method: PaymentMethod


class StartPaymentUseCase(Protocol):
    def execute(self, command: StartPaymentCommand) -> None:
        """Store a pending payment and announce it; the same command again changes nothing.

        Raises InvalidPayment for a payment that we do not take, PaymentChanged when another writer
        came first.
        """
        ...
