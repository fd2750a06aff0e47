"""Prices in parts, over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from ....domain.models.installment_models import InstallmentPlan, QuoteInstallments
from ....domain.operations.installments_operations import InstallmentsOperations
from ...utils import Given

Operations = Annotated[InstallmentsOperations, Given(InstallmentsOperations)]

router = APIRouter(prefix="/installment", tags=["installment"])


@router.get("")
def quote(wanted: Annotated[QuoteInstallments, Query()], operations: Operations) -> InstallmentPlan:
    """What a purchase of today would cost in that many parts."""
    return operations.quote(wanted)
