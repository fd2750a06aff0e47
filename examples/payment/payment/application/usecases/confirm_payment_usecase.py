"""A use case: the steps of one business operation, written against ports only."""

from __future__ import annotations

from dataclasses import dataclass

from blackcat.application.ports import Clock
from payment.application.ports.driven.payment_repository_contracts import PaymentRepository
from payment.application.ports.driving.confirm_payment_usecase_contracts import (
    PaymentNotFound,
    PaymentProcessed,
)
from payment.domain.entities.payment import PaymentStatus


@dataclass(frozen=True, kw_only=True)
class ConfirmPayment:
    payments: PaymentRepository
    clock: Clock

    def execute(self, event: PaymentProcessed) -> None:
        payment = self.payments.get(event.payment_id)
        if payment is None:
            raise PaymentNotFound(f"payment {event.payment_id} is not stored yet")
        # Queues deliver at least once, so that a payment may well be confirmed already.
        if payment.status is not PaymentStatus.CONFIRMED:
            self.payments.save(payment.confirm(self.clock.now()))
