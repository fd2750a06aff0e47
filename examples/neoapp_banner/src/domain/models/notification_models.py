"""What customers are told: the events of which they are told, and the notification that each becomes."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field


class PaymentPaid(BaseModel):
    model_config = ConfigDict(frozen=True)

    event: Literal["payment_paid"] = "payment_paid"
    payment_id: str
    recipient: str
    reference: str
    amount_cents: int
    parts: int = Field(default=1, ge=1)


class PaymentRefused(BaseModel):
    model_config = ConfigDict(frozen=True)

    event: Literal["payment_refused"] = "payment_refused"
    payment_id: str
    recipient: str
    reference: str


class PixAwaited(BaseModel):
    model_config = ConfigDict(frozen=True)

    event: Literal["pix_awaited"] = "pix_awaited"
    payment_id: str
    recipient: str
    reference: str
    amount_cents: int
    pix_code: str


class PixExpired(BaseModel):
    model_config = ConfigDict(frozen=True)

    event: Literal["pix_expired"] = "pix_expired"
    payment_id: str
    recipient: str
    reference: str


class InstallmentDue(BaseModel):
    model_config = ConfigDict(frozen=True)

    event: Literal["installment_due"] = "installment_due"
    payment_id: str
    recipient: str
    number: int
    amount_cents: int
    due_on: date


Event = Annotated[
    PaymentPaid | PaymentRefused | PixAwaited | PixExpired | InstallmentDue, Field(discriminator="event")
]


class RecordNotification(BaseModel):
    """``{"event": {"event": "payment_refused", …}}``: an event that happened elsewhere."""

    model_config = ConfigDict(frozen=True)

    event: Event


class Notification(BaseModel):
    """``notification_id`` is made from its event, so that an event that comes twice is told once."""

    model_config = ConfigDict(frozen=True)

    notification_id: str
    recipient: str
    subject: str
    text: str
    created_at: AwareDatetime
    read_at: AwareDatetime | None = None


class NotificationNotFound(LookupError):
    """There is no notification of that name."""
