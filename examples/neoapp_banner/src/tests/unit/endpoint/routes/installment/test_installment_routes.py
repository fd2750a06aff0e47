"""Prices in parts over HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from ......domain.operations.installments_operations import InstallmentsOperations
from ......endpoint.main import build_app
from ......endpoint.utils import given
from .....fakes import FrozenClock, InMemoryDatabase


@pytest.fixture
def client() -> Iterator[TestClient]:
    app = build_app()
    operations = InstallmentsOperations(FrozenClock(), InMemoryDatabase())
    app.dependency_overrides[given(InstallmentsOperations)] = lambda: operations
    with TestClient(app) as client:
        yield client


def test_a_price_is_quoted_in_parts(client: TestClient) -> None:
    quoted = client.get("/installment?amount_cents=10000&count=3").json()
    assert (quoted["total_cents"], quoted["interest_cents"]) == (10_000, 0)
    assert quoted["installments"][2] == {"number": 3, "amount_cents": 3334, "due_on": "2030-04-30"}


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("amount_cents=1000&count=12", "each part must be at least 500 cents: take at most 2 parts"),
        ("amount_cents=1000&count=13", "the request is not as it should be"),
        ("amount_cents=1000", "the request is not as it should be"),
    ],
)
def test_what_cannot_be_quoted_is_told(client: TestClient, query: str, said: str) -> None:
    answer = client.get(f"/installment?{query}")
    assert (answer.status_code, answer.json()["detail"]) == (422, said)
