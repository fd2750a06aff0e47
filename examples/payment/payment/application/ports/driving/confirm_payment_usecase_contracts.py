"""A driving port: what the outside may ask of the application, and in which words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, kw_only=True)
class PaymentProcessed:
    """The event of the payment processor: the customer paid."""

    payment_id: UUID


class PaymentNotFound(Exception):
    """No payment of that id is stored, or not yet: messages may overtake each other."""


class ConfirmPaymentUseCase(Protocol):
    def execute(self, event: PaymentProcessed) -> None:
        """Confirm a pending payment; a confirmed one stays as it is.

        Raises PaymentNotFound, InvalidTransition for an expired payment, PaymentChanged when another
        writer came first.
        """
        ...
