"""A payment as the table holds it: the entity knows nothing of storage, the table nothing of rules."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from pydantic import BaseModel

from payment.domain.entities.payment import Payment, PaymentStatus
from payment.domain.value_objects.payment_method import PaymentMethod


class PaymentModel(BaseModel):
    payment_id: UUID
    amount: Decimal
    currency: str
    method: PaymentMethod
    status: PaymentStatus
    created_at: datetime
    updated_at: datetime
    version: int

    @classmethod
    def from_entity(cls, payment: Payment) -> PaymentModel:
        return cls(
            payment_id=payment.id,
            amount=payment.amount,
            currency=payment.currency,
            method=payment.method,
            status=payment.status,
            created_at=payment.created_at,
            updated_at=payment.updated_at,
            version=payment.version,
        )

    def to_entity(self) -> Payment:
        return Payment(
            id=self.payment_id,
            amount=self.amount,
            currency=self.currency,
            method=self.method,
            status=self.status,
            created_at=self.created_at,
            updated_at=self.updated_at,
            version=self.version,
        )
