"""A client of Pagar.me's API, version 5: orders with one charge each, by card or by pix.

https://docs.pagar.me/reference/criar-pedido-2
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr, TypeAdapter

from ...config import PagarmeSettings
from ..mew.config import settings_of
from ..utils.helpers import HttpService, RequestInvalid, ServiceUnavailable, http_client
from ..utils.notations import Cents, ChargeStatus, Payer

if TYPE_CHECKING:
    import httpx

SERVICE = "Pagar.me"
# What a charge may be called there, and what that means here.
STATUSES: dict[str, ChargeStatus] = {
    "paid": "paid",
    "pending": "pending",
    "processing": "pending",
    "failed": "refused",
    "canceled": "refused",
}
# The order itself is not accepted, and never will be: asking again does not help.
INVALID = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY)
TIME = TypeAdapter(datetime)


@dataclass(frozen=True, kw_only=True)
class PagarmeCharge:
    charge_id: str | None
    status: ChargeStatus
    reason: str = ""
    pix_code: str = ""
    expires_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class PagarmeService:
    """A PaymentGateway. Amounts are cents; each order has an idempotency key, so it is repeatable."""

    http: HttpService

    def charge_card(
        self, *, key: str, reference: str, amount: Cents, payer: Payer, card_token: str, installments: int
    ) -> PagarmeCharge:
        """Raises ServiceError; what is refused is no error, but a charge with a reason."""
        card = {"card_token": card_token, "installments": installments}
        payment = {"payment_method": "credit_card", "credit_card": card}
        return self._order(key, reference, amount, payer, payment)

    def charge_pix(
        self, *, key: str, reference: str, amount: Cents, payer: Payer, expires_in: int
    ) -> PagarmeCharge:
        """``expires_in`` is in seconds. Raises ServiceError."""
        pix = {"payment_method": "pix", "pix": {"expires_in": expires_in}}
        return self._order(key, reference, amount, payer, pix)

    def _order(
        self, key: str, reference: str, amount: Cents, payer: Payer, payment: Mapping[str, Any]
    ) -> PagarmeCharge:
        order = {
            "code": reference,
            "items": [{"code": reference, "description": reference, "quantity": 1, "amount": amount}],
            "customer": {
                "name": payer.name,
                "email": payer.email,
                "document": payer.document,
                "type": "individual",
            },
            "payments": [payment],
        }
        try:
            answer = self.http.post("/orders", order, repeatable=True, headers={"Idempotency-Key": key})
        except RequestInvalid as error:
            if error.status not in INVALID:
                raise
            return PagarmeCharge(charge_id=None, status="refused", reason=error.detail)
        return _charge(answer)


def _charge(order: Mapping[str, Any]) -> PagarmeCharge:
    try:
        charge = order["charges"][0]
        last = charge.get("last_transaction") or {}
        status = STATUSES[charge["status"]]
        return PagarmeCharge(
            charge_id=charge["id"],
            status=status,
            reason=_reason(last) if status == "refused" else "",
            pix_code=last.get("qr_code") or "",
            expires_at=_time(last.get("expires_at")),
        )
    except (AttributeError, KeyError, IndexError, TypeError, ValueError) as error:
        # It may have been charged: the same key asks again, and never charges twice.
        raise ServiceUnavailable(SERVICE, "the answer holds no charge that is understood") from error


def _reason(transaction: Mapping[str, Any]) -> str:
    errors = (transaction.get("gateway_response") or {}).get("errors") or []
    said = [transaction.get("acquirer_message"), *(error.get("message") for error in errors)]
    return next((text for text in said if text), "refused without a reason")


def _time(text: str | None) -> datetime | None:
    if not text:
        return None
    found = TIME.validate_python(text)
    return found if found.tzinfo else found.replace(tzinfo=timezone.utc)


def basic(key: Callable[[], SecretStr]) -> Callable[[httpx.Request], httpx.Request]:
    """The secret key as user name, with no password; asked for at each request, because it is rotated."""

    def authorize(request: httpx.Request) -> httpx.Request:
        user = f"{key().get_secret_value()}:"
        request.headers["Authorization"] = f"Basic {b64encode(user.encode()).decode()}"
        return request

    return authorize


@cache
def pagarme() -> PagarmeService:
    """The one of this process, kept over invocations; its settings are read at the first call."""
    return PagarmeService(http=HttpService(name=SERVICE, connect=_connected))


def _connected() -> httpx.Client:
    settings = settings_of(PagarmeSettings)
    key = basic(lambda: settings_of(PagarmeSettings).pagarme_api_key)
    return http_client(settings.pagarme_base_url, seconds=settings.pagarme_timeout_seconds, authorize=key)
