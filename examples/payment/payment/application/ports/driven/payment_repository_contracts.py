"""A driven port: what the application needs of the outside. The adapter for it lives in infra."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Protocol
from uuid import UUID

from payment.domain.entities.payment import Payment


class PaymentChanged(Exception):
    """Another writer changed the payment since it was read: read it again and decide anew."""


class PaymentRepository(Protocol):
    def get(self, payment_id: UUID) -> Payment | None: ...

    def save(self, payment: Payment) -> Payment:
        """Store a payment if nobody changed it since it was read, else raise PaymentChanged.

        Returns it as it is stored, with its next version.
        """
        ...

    def pending_created_before(self, instant: datetime) -> Iterator[Payment]:
        """The payments that were created before ``instant`` and still pend, the oldest first."""
        ...
