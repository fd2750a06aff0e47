"""What may be asked for in a queue or by a schedule: one command each function."""

from __future__ import annotations

from ..models.installment_models import RemindOfInstallments
from ..operations.installments_operations import InstallmentsOperations


def remind_of_installments(wanted: RemindOfInstallments, operations: InstallmentsOperations) -> int:
    return operations.remind(wanted)
