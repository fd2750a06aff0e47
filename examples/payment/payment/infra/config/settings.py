"""The project's settings, each read from the environment variable of its name."""

from __future__ import annotations

from decimal import Decimal

from pydantic import Field

from blackcat import Settings


class PaymentSettings(Settings):
    payment_expires_after_seconds: int = Field(default=900, gt=0)
    payment_maximum_amount: Decimal = Field(default=Decimal("50000.00"), gt=0)
    payment_accepted_currencies: str = Field(default="BRL,EUR,USD", description="separated by commas")
