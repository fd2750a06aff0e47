"""Reminders as a schedule asks for them."""

from __future__ import annotations

from datetime import date

from .....domain.commands.installment_commands import remind_of_installments
from .....domain.models.installment_models import RemindOfInstallments
from .....domain.operations.installments_operations import InstallmentsOperations, keep_plan, plan
from ....fakes import FrozenClock, InMemoryDatabase


def test_parts_that_are_due_within_the_days_are_told() -> None:
    database = InMemoryDatabase(installments=["payment_id", "number"], notifications=["notification_id"])
    with database.transaction() as records:
        keep_plan(records, "p-1", "ana@example.com", plan(10_000, 2, date(2030, 1, 15)))
    operations = InstallmentsOperations(FrozenClock(), database)
    assert remind_of_installments(RemindOfInstallments(days_before=14), operations) == 0
    assert remind_of_installments(RemindOfInstallments(days_before=15), operations) == 1
