"""The client of Pagar.me beside a server with the shapes of its API."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from .....core.services.pagarme_service import PagarmeCharge, PagarmeService, basic, pagarme
from .....core.utils.helpers import (
    AuthenticationFailed,
    HttpService,
    RequestInvalid,
    RequestRefused,
    ServiceUnavailable,
    http_client,
)
from ....standins import PAGARME_KEY, REFUSED_CARD, Answer, Standin, Trouble, pagarme_standin


@dataclass(frozen=True)
class Ana:
    name: str = "Ana"
    email: str = "ana@example.com"
    document: str = "12345678909"


@pytest.fixture
def server() -> Iterator[Standin]:
    with pagarme_standin() as running:
        yield running


def service(server: Standin, key: str = PAGARME_KEY) -> PagarmeService:
    client = http_client(server.url, seconds=5, authorize=basic(lambda: SecretStr(key)))
    return PagarmeService(http=HttpService(name="Pagar.me", connect=lambda: client, sleep=lambda _: None))


def card(service: PagarmeService, **other: Any) -> PagarmeCharge:
    asked: dict[str, Any] = {"key": "k-1", "reference": "A-1", "amount": 9990, "payer": Ana()}
    return service.charge_card(**{**asked, "card_token": "tok_1", "installments": 3, **other})


def test_a_card_is_charged_in_cents_and_installments(server: Standin) -> None:
    assert card(service(server)) == PagarmeCharge(charge_id="ch_A-1", status="paid")
    [asked] = server.requests
    assert asked.headers["Idempotency-Key"] == "k-1"
    assert asked.body["items"] == [{"code": "A-1", "description": "A-1", "quantity": 1, "amount": 9990}]
    by_card = {"card_token": "tok_1", "installments": 3}
    assert asked.body["payments"] == [{"payment_method": "credit_card", "credit_card": by_card}]


def test_pix_is_awaited_with_a_code_that_expires(server: Standin) -> None:
    charge = service(server).charge_pix(key="k-1", reference="A-1", amount=100, payer=Ana(), expires_in=60)
    assert (charge.status, charge.pix_code[:6]) == ("pending", "000201")
    assert charge.expires_at is not None
    assert 0 < (charge.expires_at - datetime.now(timezone.utc)).total_seconds() <= 60


@pytest.mark.parametrize(
    "said", ["2030-01-31T12:00:00Z", "2030-01-31T09:00:00.0000000-03:00", "2030-01-31T12:00:00"]
)
def test_the_end_of_a_pix_is_understood_however_it_is_written(server: Standin, said: str) -> None:
    order = {"charges": [{"id": "ch_1", "status": "pending", "last_transaction": {"expires_at": said}}]}
    server.troubles.append(Trouble(Answer(200, order)))
    charge = service(server).charge_pix(key="k-1", reference="A-1", amount=100, payer=Ana(), expires_in=60)
    assert charge.expires_at == datetime(2030, 1, 31, 12, tzinfo=timezone.utc)


def test_a_refused_card_is_a_charge_with_its_reason(server: Standin) -> None:
    charge = card(service(server), card_token=REFUSED_CARD)
    assert (charge.status, charge.reason) == ("refused", "Cartao sem saldo")


@pytest.mark.parametrize(
    ("transaction", "reason"),
    [
        ({"gateway_response": {"code": "400", "errors": [{"message": "no such card"}]}}, "no such card"),
        ({}, "refused without a reason"),
        (None, "refused without a reason"),
    ],
)
def test_a_reason_is_found_wherever_it_stands(server: Standin, transaction: object, reason: str) -> None:
    order = {"charges": [{"id": "ch_1", "status": "failed", "last_transaction": transaction}]}
    server.troubles.append(Trouble(Answer(200, order)))
    assert card(service(server)).reason == reason


def test_a_lost_answer_charges_once(server: Standin) -> None:
    server.troubles.extend([Trouble(carried_out=True), Trouble(Answer(502), carried_out=True)])
    assert card(service(server)).status == "paid"
    assert [asked.headers["Idempotency-Key"] for asked in server.requests] == ["k-1"] * 3
    assert card(service(server)) == card(service(server))


def test_a_key_belongs_to_one_order(server: Standin) -> None:
    card(service(server))
    with pytest.raises(RequestRefused, match="idempotency key was used"):
        card(service(server), amount=1)


def test_an_order_that_is_not_accepted_is_refused_and_told_what_is_missing(server: Standin) -> None:
    charge = card(service(server), payer=Ana(document=""))
    assert (charge.charge_id, charge.status) == (None, "refused")
    assert "order.customer.document: The document field is required." in charge.reason


@pytest.mark.parametrize("status", [404, 415])
def test_a_call_that_is_our_own_mistake_refuses_no_payment(server: Standin, status: int) -> None:
    server.troubles.append(Trouble(Answer(status, {"message": "Not found."})))
    with pytest.raises(RequestInvalid, match="Not found"):
        card(service(server))


@pytest.mark.parametrize(
    "order", [{}, {"charges": []}, {"charges": [{"id": "ch_1"}]}, {"charges": [{"id": "1", "status": "odd"}]}]
)
def test_an_answer_that_is_not_understood_is_no_payment(server: Standin, order: object) -> None:
    server.troubles.append(Trouble(Answer(200, order)))
    with pytest.raises(ServiceUnavailable, match="no charge that is understood"):
        card(service(server))


def test_a_wrong_key_is_told_and_not_shown(server: Standin) -> None:
    with pytest.raises(AuthenticationFailed) as raised:
        card(service(server, key="sk_wrong"))
    assert "sk_" not in str(raised.value)


def test_a_process_has_one_client() -> None:
    assert pagarme() is pagarme()
    assert pagarme().http.client.base_url == httpx.URL("https://api.pagar.me/core/v5/")
    assert "test-pagarme" not in repr(pagarme())
