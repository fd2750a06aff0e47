"""Requests and answers, on the application as it is served."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from punq import Container

from blackcat.entrypoints.rest_api.application import create_app
from blackcat.testing import InMemoryQueue
from payment.infra.config.settings import PaymentSettings
from payment.infra.repositories.payment_repository import TablePaymentRepository
from services import services
from tests.unit.builders import NOON, a_payment

ORDER: dict[str, Any] = {"amount": "10.50", "currency": "BRL", "method": "pix"}


@pytest.fixture
def client(container: Container, settings: PaymentSettings) -> FlaskClient:
    return create_app(services.select("payment_api"), container, settings).test_client()


@pytest.mark.parametrize("amount", ["10.50", 10.5])
def test_an_order_becomes_a_command(
    client: FlaskClient, commands: InMemoryQueue, amount: str | float
) -> None:
    answer = client.post("/payments", json=ORDER | {"amount": amount})

    (command,) = commands.receive()
    payment_id = answer.get_json()["payment_id"]
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/payments/{payment_id}"
    assert UUID(payment_id).version == 4
    assert f'"payment_id":"{payment_id}"' in command.body
    assert '"amount":"10.5' in command.body


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("amount", "-1"),
        ("amount", 0),
        ("amount", "1.005"),
        ("amount", "ten"),
        ("amount", "NaN"),
        ("amount", True),
        ("amount", None),
        ("amount", "1" * 40),
        ("currency", "brl"),
        ("currency", "REAL"),
        ("currency", "BRL\n"),
        ("method", "cash"),
    ],
)
def test_a_wrong_field_is_named(
    client: FlaskClient, commands: InMemoryQueue, field: str, value: object
) -> None:
    answer = client.post("/payments", json=ORDER | {field: value})

    assert answer.status_code == 422
    assert answer.content_type == "application/problem+json"
    assert [error["field"] for error in answer.get_json()["errors"]] == [field]
    assert not commands.receive()


def test_all_missing_fields_are_named_at_once(client: FlaskClient) -> None:
    errors = client.post("/payments", json={}).get_json()["errors"]

    assert [error["field"] for error in errors] == ["amount", "currency", "method"]


@pytest.mark.parametrize(
    ("field", "value", "detail"),
    [
        ("amount", "1000.01", "amount must be at most 1000"),
        ("currency", "USD", "currency must be one of BRL, EUR"),
    ],
)
def test_a_payment_that_we_do_not_take_is_refused(
    client: FlaskClient, commands: InMemoryQueue, field: str, value: str, detail: str
) -> None:
    answer = client.post("/payments", json=ORDER | {field: value})

    assert answer.status_code == 422
    assert answer.get_json()["detail"] == detail
    assert not commands.receive()


def test_a_payment_is_shown(client: FlaskClient, payments: TablePaymentRepository) -> None:
    payment = payments.save(a_payment(amount="10", created_at=NOON))

    answer = client.get(f"/payments/{payment.id}")

    assert answer.status_code == 200
    assert answer.get_json() == {
        "id": str(payment.id),
        "amount": "10.00",
        "currency": "BRL",
        "method": "pix",
        "status": "pending",
        "created_at": "2030-01-01T12:00:00+00:00",
        "updated_at": "2030-01-01T12:00:00+00:00",
    }


def test_an_unknown_payment_is_a_problem(client: FlaskClient) -> None:
    payment_id = uuid4()

    answer = client.get(f"/payments/{payment_id}")

    assert answer.status_code == 404
    assert answer.content_type == "application/problem+json"
    assert answer.get_json()["detail"] == f"there is no payment {payment_id}"


def test_what_is_no_payment_id_leads_nowhere(client: FlaskClient) -> None:
    assert client.get("/payments/1").status_code == 404
