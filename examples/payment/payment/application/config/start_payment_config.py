"""What a use case needs to know, in its own terms: it never asks where a setting comes from."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from payment.domain.entities.payment import InvalidPayment


@dataclass(frozen=True, kw_only=True)
class StartPaymentConfig:
    """The payments that we take at present."""

    maximum_amount: Decimal
    accepted_currencies: frozenset[str]

    def check(self, *, amount: Decimal, currency: str) -> None:
        """Raises InvalidPayment, with the limit that is broken."""
        if amount > self.maximum_amount:
            raise InvalidPayment(f"amount must be at most {self.maximum_amount}")
        if currency not in self.accepted_currencies:
            raise InvalidPayment(f"currency must be one of {', '.join(sorted(self.accepted_currencies))}")
