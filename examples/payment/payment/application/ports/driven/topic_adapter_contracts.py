"""A driven port: what the application needs of the outside. Blackcat's Topic fits it as it is."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol
from uuid import UUID

from payment.domain.value_objects.payment_method import PaymentMethod


@dataclass(frozen=True, kw_only=True)
class PaymentStarted:
    """The event that announces a pending payment."""

    payment_id: UUID
    amount: Decimal
    currency: str
    method: PaymentMethod


class PaymentStartedTopic(Protocol):
    def publish(self, payload: PaymentStarted) -> str:
        """Announce a payment to everyone who subscribed; returns the message id."""
        ...
