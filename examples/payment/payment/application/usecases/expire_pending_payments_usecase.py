"""A use case: the steps of one business operation, written against ports only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from itertools import takewhile

from blackcat.application.ports import Clock
from payment.application.ports.driven.payment_repository_contracts import PaymentChanged, PaymentRepository
from payment.domain.entities.payment import Payment


@dataclass(frozen=True, kw_only=True)
class ExpirePendingPayments:
    payments: PaymentRepository
    expires_after: timedelta
    clock: Clock

    def execute(self, *, stopping: Callable[[], bool] = lambda: False) -> int:
        overdue = self.payments.pending_created_before(self.clock.now() - self.expires_after)
        # Between two payments is a safe point: each is stored for itself.
        return sum(self._expire(payment) for payment in takewhile(lambda _: not stopping(), overdue))

    def _expire(self, payment: Payment) -> bool:
        try:
            self.payments.save(payment.expire(self.clock.now()))
        except PaymentChanged:
            return False  # paid at the last moment: the confirmation goes first
        return True
