"""Payments by card or pix: what is asked for, what is kept, and what can be wrong."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from .installment_models import MOST_INSTALLMENTS

PaymentStatus = Literal["pending", "paid", "refused", "expired"]
Reference = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,51}$")]
# A CPF has 11 digits, a CNPJ 14.
Document = Annotated[str, StringConstraints(pattern=r"^(\d{11}|\d{14})$")]


class Customer(BaseModel):
    model_config = ConfigDict(frozen=True)

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]
    email: Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+$", max_length=64)]
    document: Document


class Card(BaseModel):
    """``token`` stands for the card: its number never comes here."""

    model_config = ConfigDict(frozen=True)

    type: Literal["card"] = "card"
    token: Annotated[str, StringConstraints(pattern=r"^\w{1,64}$")] = Field(repr=False)
    installments: int = Field(default=1, ge=1, le=MOST_INSTALLMENTS)


class Pix(BaseModel):
    model_config = ConfigDict(frozen=True)

    type: Literal["pix"] = "pix"


class ChargePayment(BaseModel):
    """``reference`` is the order's: asking twice with the same one charges once."""

    model_config = ConfigDict(frozen=True)

    reference: Reference
    amount_cents: int = Field(ge=100, le=100_000_000)
    customer: Customer
    method: Annotated[Card | Pix, Field(discriminator="type")]


class SettlePayment(BaseModel):
    """What the payment provider tells later: a pix was paid, or will not be."""

    model_config = ConfigDict(frozen=True)

    charge_id: str = Field(min_length=1)
    status: Literal["paid", "refused"]


class ExpireUnpaidPix(BaseModel):
    model_config = ConfigDict(frozen=True)


class Payment(BaseModel):
    """``amount_cents`` is what was asked for; ``total_cents`` is with the interest of the installments."""

    model_config = ConfigDict(frozen=True)

    payment_id: str
    reference: str
    method: Literal["card", "pix"]
    amount_cents: int
    total_cents: int
    installments: int
    recipient: str
    status: PaymentStatus
    charge_id: str | None = None
    reason: str = ""
    pix_code: str = ""
    expires_at: AwareDatetime | None = None
    created_at: AwareDatetime


class PaymentNotFound(LookupError):
    """There is no such payment."""


class PaymentConflict(ValueError):
    """The reference belongs to another payment, or the payment has ended otherwise."""
