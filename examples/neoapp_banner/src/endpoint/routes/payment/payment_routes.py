"""Payments over HTTP."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter

from ....domain.models.payment_models import ChargePayment, Payment
from ....domain.operations.payment_operations import PaymentOperations
from ...utils import Given

Operations = Annotated[PaymentOperations, Given(PaymentOperations)]

router = APIRouter(prefix="/payment", tags=["payment"])


@router.post("", status_code=HTTPStatus.CREATED)
def charge(wanted: ChargePayment, operations: Operations) -> Payment:
    """Charge a card, or begin a payment by pix; a reference is charged once, however often it is sent."""
    return operations.charge(wanted)


@router.get("/{payment_id}")
def get(payment_id: str, operations: Operations) -> Payment:
    """One payment, as it stands."""
    return operations.get(payment_id)
