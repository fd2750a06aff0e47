"""The REST API: HTTP in and out, nothing else. Blackcat serves every Blueprint of this module."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID, uuid4

from flask import abort, url_for
from pydantic import BaseModel, Field

from blackcat import Blueprint
from payment.application.config.start_payment_config import StartPaymentConfig
from payment.application.ports.driven.payment_repository_contracts import PaymentRepository
from payment.application.ports.driven.queue_adapter_contracts import StartPaymentQueue
from payment.application.ports.driving.start_payment_usecase_contracts import StartPaymentCommand
from payment.domain.entities.payment import InvalidPayment, Payment, PaymentStatus
from payment.domain.value_objects.payment_method import PaymentMethod

api = Blueprint("payments", __name__, url_prefix="/payments")


class PaymentRequest(BaseModel):
    """A payment as it is asked for; maximum amount and currencies are settings of the service."""

    amount: Annotated[Decimal, Field(gt=0, decimal_places=2, max_digits=14)]
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]
    method: PaymentMethod


@dataclass(frozen=True, kw_only=True)
class PaymentAccepted:
    payment_id: UUID


@dataclass(frozen=True, kw_only=True)
class PaymentResponse:
    id: UUID
    amount: Decimal
    currency: str
    method: PaymentMethod
    status: PaymentStatus
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, payment: Payment) -> PaymentResponse:
        return cls(
            id=payment.id,
            amount=payment.amount,
            currency=payment.currency,
            method=payment.method,
            status=payment.status,
            created_at=payment.created_at,
            updated_at=payment.updated_at,
        )


@api.post("")
def request_payment(
    body: PaymentRequest, config: StartPaymentConfig, queue: StartPaymentQueue
) -> tuple[PaymentAccepted, Literal[202], dict[str, str]]:
    """Ask for a payment, which is started soon after.

    Location names where it will be found.
    """
    try:
        config.check(amount=body.amount, currency=body.currency)
    except InvalidPayment as error:
        abort(422, str(error))
    payment_id = uuid4()
    queue.send(
        StartPaymentCommand(
            payment_id=payment_id, amount=body.amount, currency=body.currency, method=body.method
        )
    )
    location = url_for("payments.show_payment", payment_id=payment_id)
    return PaymentAccepted(payment_id=payment_id), 202, {"Location": location}


@api.get("/<uuid:payment_id>")
def show_payment(payment_id: UUID, payments: PaymentRepository) -> PaymentResponse:
    """Show a payment as it stands now."""
    payment = payments.get(payment_id)
    if payment is None:
        abort(404, f"there is no payment {payment_id}")
    return PaymentResponse.of(payment)
