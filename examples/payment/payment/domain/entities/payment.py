"""The payment and its rules. The domain imports the standard library only: no framework, no database."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal, InvalidOperation
from enum import Enum
from uuid import UUID

from payment.domain.value_objects.payment_method import PaymentMethod

CENT = Decimal("0.01")

_CURRENCY = re.compile(r"[A-Z]{3}")


class InvalidPayment(ValueError):
    """A payment that we do not take; the text says why."""


class InvalidTransition(Exception):
    """A payment cannot go from its present status to the wanted one."""


class PaymentStatus(Enum):
    PENDING = "pending"
    CONFIRMED = "confirmed"
    EXPIRED = "expired"


@dataclass(frozen=True, kw_only=True)
class Payment:
    """One payment; ``version`` counts its stored changes (0: never stored).

    Raises InvalidPayment for an amount that is not a positive number of cents, or an unknown form of
    currency.
    """

    id: UUID
    amount: Decimal
    currency: str
    method: PaymentMethod
    status: PaymentStatus
    created_at: datetime
    updated_at: datetime
    version: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "amount", _in_cents(self.amount))
        if not _CURRENCY.fullmatch(self.currency):
            raise InvalidPayment("currency must be three capital letters, such as BRL")

    @classmethod
    def start(
        cls, *, id: UUID, amount: Decimal, currency: str, method: PaymentMethod, now: datetime
    ) -> Payment:
        """A new payment, pending until the processor answers."""
        return cls(
            id=id,
            amount=amount,
            currency=currency,
            method=method,
            status=PaymentStatus.PENDING,
            created_at=now,
            updated_at=now,
        )

    def confirm(self, now: datetime) -> Payment:
        """The customer paid. Raises InvalidTransition unless the payment is pending."""
        return self._from_pending_to(PaymentStatus.CONFIRMED, now)

    def expire(self, now: datetime) -> Payment:
        """Nobody paid in time. Raises InvalidTransition unless the payment is pending."""
        return self._from_pending_to(PaymentStatus.EXPIRED, now)

    def _from_pending_to(self, status: PaymentStatus, now: datetime) -> Payment:
        if self.status is not PaymentStatus.PENDING:
            raise InvalidTransition(f"a payment that is {self.status.value} cannot become {status.value}")
        return replace(self, status=status, updated_at=now)


def _in_cents(amount: Decimal) -> Decimal:
    if not amount.is_finite() or amount <= 0:
        raise InvalidPayment("amount must be positive")
    try:
        cents = amount.quantize(CENT)
    except InvalidOperation:
        raise InvalidPayment("amount has too many digits") from None
    if cents != amount:
        raise InvalidPayment("amount must have at most two decimal places")
    return cents
