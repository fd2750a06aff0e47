"""Payments over HTTP: what is answered, and what no answer shows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from fastapi.testclient import TestClient

from ......domain.operations.payment_operations import PaymentOperations
from ......endpoint.main import build_app
from ......endpoint.utils import given
from .....fakes import FrozenClock, InMemoryDatabase, InMemoryGateway

WANTED = {
    "reference": "A-1",
    "amount_cents": 100_000,
    "customer": {"name": "Ana", "email": "ana@example.com", "document": "12345678909"},
    "method": {"type": "card", "token": "tok_1", "installments": 10},
}


@dataclass
class Shop:
    client: TestClient
    gateway: InMemoryGateway


@pytest.fixture
def shop() -> Iterator[Shop]:
    clock = FrozenClock()
    database = InMemoryDatabase(
        payments=["payment_id"], installments=["payment_id", "number"], notifications=["notification_id"]
    )
    gateway = InMemoryGateway(clock)
    app = build_app()
    app.dependency_overrides[given(PaymentOperations)] = lambda: PaymentOperations(clock, database, gateway)
    with TestClient(app) as client:
        yield Shop(client, gateway)


def test_a_payment_is_charged_with_interest_and_can_be_looked_up(shop: Shop) -> None:
    charged = shop.client.post("/payment", json=WANTED)
    assert charged.status_code == 201
    assert charged.json()["status"] == "paid"
    assert charged.json()["total_cents"] == 111_268
    assert shop.client.get(f"/payment/{charged.json()['payment_id']}").json() == charged.json()


def test_a_refused_card_is_an_answer_with_the_reason(shop: Shop) -> None:
    refused = {**WANTED, "method": {"type": "card", "token": "tok_refused"}}
    answer = shop.client.post("/payment", json=refused).json()
    assert (answer["status"], answer["reason"]) == ("refused", "no credit")


def test_a_provider_that_does_not_answer_is_503_and_asking_again_charges_once(shop: Shop) -> None:
    shop.gateway.outages = 1
    assert shop.client.post("/payment", json=WANTED).status_code == 503
    assert shop.client.post("/payment", json=WANTED).json()["status"] == "paid"
    assert shop.gateway.amounts == [111_268]


def test_a_conflict_and_a_payment_that_is_not_there_are_told(shop: Shop) -> None:
    shop.client.post("/payment", json=WANTED)
    answer = shop.client.post("/payment", json={**WANTED, "amount_cents": 50_000})
    assert answer.status_code == 422
    assert "choose another reference" in answer.json()["detail"]
    assert shop.client.get("/payment/nowhere").status_code == 404


def test_the_answer_to_a_wrong_request_shows_nothing_of_the_card(shop: Shop) -> None:
    answer = shop.client.post("/payment", json={**WANTED, "method": {"type": "card", "token": "4111 1111"}})
    assert answer.status_code == 422
    assert "4111" not in answer.text
