"""How a price is parted: interest by month, cents that add up, and days on which parts are due."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date, timedelta

from ...core.utils.notations import Cents, Clock, Database, Records, Row
from ..models.installment_models import (
    Installment,
    InstallmentPlan,
    InstallmentsRefused,
    QuoteInstallments,
    RemindOfInstallments,
    Terms,
)
from ..models.notification_models import InstallmentDue
from .notification_operations import keep

TABLE = "installments"


@dataclass(frozen=True)
class InstallmentsOperations:
    clock: Clock
    database: Database

    def quote(self, wanted: QuoteInstallments) -> InstallmentPlan:
        """What a purchase of today would cost. Raises InstallmentsRefused."""
        return plan(wanted.amount_cents, wanted.count, self.clock.now().date())

    def remind(self, wanted: RemindOfInstallments) -> int:
        """Tell each customer once of a part that is due soon; returns how many were told."""
        now = self.clock.now()
        last = now.date() + timedelta(days=wanted.days_before)
        with self.database.transaction() as records:
            due = records.find(TABLE, ("due_on", ">=", now.date()), ("due_on", "<=", last))
            return sum(keep(records, _due(row), now) for row in due)


def plan(amount: Cents, count: int, bought_on: date, terms: Terms | None = None) -> InstallmentPlan:
    """The parts of an amount, the first one due a month after the purchase. Raises InstallmentsRefused."""
    terms = terms or Terms()
    each, total = shares(amount, count, terms)
    if count > 1 and each < terms.smallest_cents:
        most = max(1, amount // terms.smallest_cents)
        raise InstallmentsRefused(
            f"each part must be at least {terms.smallest_cents} cents: "
            f"take at most {min(most, count - 1)} parts"
        )
    amounts = [each] * (count - 1) + [total - each * (count - 1)]
    parts = [
        Installment(number=number, amount_cents=cents, due_on=months_later(bought_on, number))
        for number, cents in enumerate(amounts, start=1)
    ]
    return InstallmentPlan(total_cents=total, interest_cents=total - amount, installments=parts)


def shares(amount: Cents, count: int, terms: Terms) -> tuple[Cents, Cents]:
    """What each part but the last is, and what all of them are. What does not divide is in the last one.

    With interest all parts are equal, as a loan's: amount * i / (1 - (1 + i) ** -count). Fractions of a cent
    are not charged.
    """
    rate = terms.monthly_interest
    if count <= terms.free or rate == 0:
        return amount // count, amount
    exact = amount * rate / (1 - (1 + rate) ** -count)
    return int(exact), int(exact * count)


def months_later(day: date, months: int) -> date:
    """The same day of a later month, or its last day where that month is too short."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def keep_plan(records: Records, payment_id: str, recipient: str, found: InstallmentPlan) -> None:
    for part in found.installments:
        records.add(TABLE, {"payment_id": payment_id, "recipient": recipient, **part.model_dump()})


def _due(row: Row) -> InstallmentDue:
    return InstallmentDue(
        payment_id=row["payment_id"],
        recipient=row["recipient"],
        number=row["number"],
        amount_cents=row["amount_cents"],
        due_on=row["due_on"],
    )
