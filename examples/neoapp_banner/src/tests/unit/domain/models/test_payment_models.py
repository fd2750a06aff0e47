"""What could never be charged is refused by its shape."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from .....domain.models.payment_models import Card, ChargePayment

GOOD: dict[str, Any] = {
    "reference": "A-1",
    "amount_cents": 10_000,
    "customer": {"name": "Ana", "email": "ana@example.com", "document": "12345678909"},
    "method": {"type": "card", "token": "tok_1", "installments": 3},
}


def test_a_method_is_known_by_its_type_and_shows_no_token() -> None:
    method = ChargePayment.model_validate(GOOD).method
    assert isinstance(method, Card)
    assert "tok_1" not in repr(method)


@pytest.mark.parametrize(
    "wrong",
    [
        {"reference": "A 1"},
        {"amount_cents": 99},
        {"amount_cents": 100.5},
        {"customer": {**GOOD["customer"], "document": "1234"}},
        {"customer": {**GOOD["customer"], "email": "ana"}},
        {"method": {"type": "cheque"}},
        {"method": {"type": "card", "token": "4111 1111 1111 1111"}},
        {"method": {"type": "card", "token": "tok_1", "installments": 13}},
    ],
)
def test_what_could_never_be_charged_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        ChargePayment.model_validate({**GOOD, **wrong})
