"""A price in parts: what each part is, and what all of it costs."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from pydantic import BaseModel, ConfigDict, Field

MOST_INSTALLMENTS = 12


class Terms(BaseModel):
    """Up to ``free`` parts cost nothing; with more of them, all carry interest, compounded each month."""

    model_config = ConfigDict(frozen=True)

    free: int = Field(default=3, ge=1)
    monthly_interest: Decimal = Field(default=Decimal("0.0199"), ge=0, lt=1)
    smallest_cents: int = Field(default=500, ge=1)


class QuoteInstallments(BaseModel):
    model_config = ConfigDict(frozen=True)

    amount_cents: int = Field(ge=1, le=100_000_000)
    count: int = Field(ge=1, le=MOST_INSTALLMENTS)


class Installment(BaseModel):
    model_config = ConfigDict(frozen=True)

    number: int
    amount_cents: int
    due_on: date


class InstallmentPlan(BaseModel):
    """The parts add up to ``total_cents``, to the cent."""

    model_config = ConfigDict(frozen=True)

    total_cents: int
    interest_cents: int
    installments: list[Installment]


class RemindOfInstallments(BaseModel):
    model_config = ConfigDict(frozen=True)

    days_before: int = Field(default=3, ge=0, le=31)


class InstallmentsRefused(ValueError):
    """The price cannot be paid in that many parts; the text says why."""
