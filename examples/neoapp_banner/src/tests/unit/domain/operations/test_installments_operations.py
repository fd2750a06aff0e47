"""Parts add up to the cent, with interest by month."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from .....domain.models.installment_models import (
    InstallmentsRefused,
    QuoteInstallments,
    RemindOfInstallments,
    Terms,
)
from .....domain.operations.installments_operations import (
    InstallmentsOperations,
    keep_plan,
    months_later,
    plan,
    shares,
)
from ....fakes import FrozenClock, InMemoryDatabase

DAY = date(2030, 1, 31)


@pytest.mark.parametrize("amount", [10_000, 9_999, 12_345_67, 10_001])
@pytest.mark.parametrize("count", range(1, 13))
def test_the_parts_add_up_to_the_cent_and_only_the_last_one_differs(amount: int, count: int) -> None:
    found = plan(amount, count, DAY)
    amounts = [part.amount_cents for part in found.installments]
    assert sum(amounts) == found.total_cents == amount + found.interest_cents
    assert len(set(amounts[:-1])) <= 1
    assert 0 <= amounts[-1] - amounts[0] < count


def test_what_does_not_divide_is_in_the_last_part() -> None:
    assert [part.amount_cents for part in plan(10_000, 3, DAY).installments] == [3333, 3333, 3334]


def test_interest_is_compounded_by_month() -> None:
    # 1,000.00 at 1.99 % a month in ten parts: 1000 * 0.0199 / (1 - 1.0199 ** -10) is 111.2681 each.
    found = plan(100_000, 10, DAY)
    assert found.installments[0].amount_cents == 11_126
    assert found.total_cents == 111_268


def test_few_parts_are_free_of_interest() -> None:
    assert [plan(100_000, count, DAY).interest_cents > 0 for count in (1, 3, 4)] == [False, False, True]


def test_without_a_rate_there_is_no_interest() -> None:
    assert shares(10_000, 12, Terms(monthly_interest=Decimal(0))) == (833, 10_000)


def test_parts_that_are_too_small_are_refused_with_the_most_that_there_can_be() -> None:
    with pytest.raises(InstallmentsRefused, match="at least 500 cents: take at most 2 parts"):
        plan(1_400, 3, DAY)
    assert len(plan(1_400, 2, DAY).installments) == 2


def test_a_part_is_due_on_the_same_day_of_the_month_or_its_last() -> None:
    due = [part.due_on for part in plan(10_000, 3, DAY).installments]
    assert due == [date(2030, 2, 28), date(2030, 3, 31), date(2030, 4, 30)]
    assert months_later(date(2031, 11, 30), 3) == date(2032, 2, 29)


def test_a_customer_is_told_once_of_a_part_that_is_due_soon() -> None:
    clock = FrozenClock()
    database = InMemoryDatabase(installments=["payment_id", "number"], notifications=["notification_id"])
    operations = InstallmentsOperations(clock, database)
    quoted = operations.quote(QuoteInstallments(amount_cents=10_000, count=2))
    with database.transaction() as records:
        keep_plan(records, "p-1", "ana@example.com", quoted)

    assert operations.remind(RemindOfInstallments()) == 0
    clock.advance(days=26)  # the first part is due in two days
    assert [operations.remind(RemindOfInstallments()) for _ in range(2)] == [1, 0]
    [told] = database.find("notifications")
    assert told["subject"] == "Installment 1 is due on 28/02/2030"
    assert told["text"] == "R$ 50.00 will be charged to your card."
