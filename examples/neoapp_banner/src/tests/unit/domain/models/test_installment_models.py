"""What could never be paid in parts is refused by its shape."""

from __future__ import annotations

from decimal import Decimal

import pytest
from pydantic import ValidationError

from .....domain.models.installment_models import QuoteInstallments, Terms


@pytest.mark.parametrize(("amount", "count"), [(0, 1), (100, 0), (100, 13), (100_000_001, 2)])
def test_what_nobody_could_pay_is_refused(amount: int, count: int) -> None:
    with pytest.raises(ValidationError):
        QuoteInstallments(amount_cents=amount, count=count)


def test_a_rate_is_a_part_of_one_and_not_a_percentage() -> None:
    with pytest.raises(ValidationError, match="monthly_interest"):
        Terms(monthly_interest=Decimal("1.99"))
