"""How a payment is charged once, and what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import NAMESPACE_URL, uuid5

from ...core.utils.notations import Charge, Clock, Condition, Database, PaymentGateway, Records
from ..models.installment_models import InstallmentPlan
from ..models.notification_models import PaymentPaid, PaymentRefused, PixAwaited, PixExpired
from ..models.payment_models import (
    Card,
    ChargePayment,
    Payment,
    PaymentConflict,
    PaymentNotFound,
    SettlePayment,
)
from . import installments_operations as installments
from .notification_operations import keep

TABLE = "payments"
PIX_SECONDS = 3600
CHANGING = {"status", "charge_id", "reason", "pix_code", "expires_at"}


@dataclass(frozen=True)
class PaymentOperations:
    clock: Clock
    database: Database
    gateway: PaymentGateway

    def charge(self, wanted: ChargePayment) -> Payment:
        """Charge it, once: what was asked for before is given as it is. Raises PaymentConflict.

        The payment is kept before it is charged, and its id is the key of the charge. If the provider does
        not answer, or this process ends in between, asking again goes on with the same charge.
        """
        payment = new_payment(wanted, self.clock.now())
        with self.database.transaction() as records:
            if not records.add(TABLE, payment.model_dump()):
                payment = same_payment(_one(records, ("payment_id", "=", payment.payment_id)), payment)
        if payment.charge_id or payment.status != "pending":
            return payment
        charge = self._charged(wanted, payment)
        with self.database.transaction() as records:
            return self._settled(records, payment, charge)

    def get(self, payment_id: str) -> Payment:
        with self.database.transaction() as records:
            return _one(records, ("payment_id", "=", payment_id))

    def settle(self, news: SettlePayment) -> None:
        """What was told before changes nothing. Raises PaymentNotFound, PaymentConflict."""
        with self.database.transaction() as records:
            payment = _one(records, ("charge_id", "=", news.charge_id))
            if payment.status == news.status:
                return
            # Money that came too late for its code has still come.
            if payment.status != "pending" and (payment.status, news.status) != ("expired", "paid"):
                raise PaymentConflict(f"payment '{payment.payment_id}' is {payment.status} already")
            _change(records, payment, payment.model_copy(update={"status": news.status}), self.clock.now())

    def expire_unpaid(self) -> int:
        """End what was to be paid by pix and was not in time; returns how many payments that were."""
        now = self.clock.now()
        with self.database.transaction() as records:
            rows = records.find(TABLE, ("status", "=", "pending"), ("expires_at", "<=", now))
            for row in rows:
                payment = Payment(**row)
                _change(records, payment, payment.model_copy(update={"status": "expired"}), now)
        return len(rows)

    def _charged(self, wanted: ChargePayment, payment: Payment) -> Charge:
        if isinstance(wanted.method, Card):
            return self.gateway.charge_card(
                key=payment.payment_id,
                reference=wanted.reference,
                amount=payment.total_cents,
                payer=wanted.customer,
                card_token=wanted.method.token,
                installments=payment.installments,
            )
        return self.gateway.charge_pix(
            key=payment.payment_id,
            reference=wanted.reference,
            amount=payment.total_cents,
            payer=wanted.customer,
            expires_in=PIX_SECONDS,
        )

    def _settled(self, records: Records, payment: Payment, charge: Charge) -> Payment:
        settled = payment.model_copy(
            update={
                "status": charge.status,
                "charge_id": charge.charge_id,
                "reason": charge.reason,
                "pix_code": charge.pix_code,
                "expires_at": charge.expires_at,
            }
        )
        return _change(records, payment, settled, self.clock.now())


def new_payment(wanted: ChargePayment, now: datetime) -> Payment:
    """Raises InstallmentsRefused."""
    parts = wanted.method.installments if isinstance(wanted.method, Card) else 1
    return Payment(
        payment_id=str(uuid5(NAMESPACE_URL, f"payment:{wanted.reference}")),
        reference=wanted.reference,
        method=wanted.method.type,
        amount_cents=wanted.amount_cents,
        total_cents=installments.plan(wanted.amount_cents, parts, now.date()).total_cents,
        installments=parts,
        recipient=wanted.customer.email,
        status="pending",
        created_at=now,
    )


def same_payment(kept: Payment, wanted: Payment) -> Payment:
    """The one that is kept, if the same was asked for. Raises PaymentConflict."""
    for name in ("amount_cents", "method", "installments", "recipient"):
        if getattr(kept, name) != getattr(wanted, name):
            raise PaymentConflict(
                f"reference '{kept.reference}' belongs to a payment with another {name}: "
                "choose another reference"
            )
    return kept


def plan_of(payment: Payment) -> InstallmentPlan:
    return installments.plan(payment.amount_cents, payment.installments, payment.created_at.date())


def _one(records: Records, condition: Condition) -> Payment:
    found = records.find(TABLE, condition)
    if not found:
        raise PaymentNotFound(f"there is no payment with {condition[0]} '{condition[2]}'")
    return Payment(**found[0])


def _change(records: Records, before: Payment, after: Payment, now: datetime) -> Payment:
    """Keep the new state with all that follows from it; if another one was faster, take what it kept."""
    this: Condition = ("payment_id", "=", before.payment_id)
    unchanged: list[Condition] = [("status", "=", before.status), ("charge_id", "=", before.charge_id)]
    if not records.change(TABLE, after.model_dump(include=CHANGING), this, *unchanged):
        return _one(records, this)
    if after.status == "paid" and after.installments > 1:
        installments.keep_plan(records, after.payment_id, after.recipient, plan_of(after))
    keep(records, _news(after), now)
    return after


def _news(payment: Payment) -> PaymentPaid | PaymentRefused | PixAwaited | PixExpired:
    about = {
        "payment_id": payment.payment_id,
        "recipient": payment.recipient,
        "reference": payment.reference,
        "amount_cents": payment.total_cents,
        "parts": payment.installments,
        "pix_code": payment.pix_code,
    }
    if payment.status == "paid":
        return PaymentPaid.model_validate(about)
    if payment.status == "refused":
        return PaymentRefused.model_validate(about)
    if payment.status == "expired":
        return PixExpired.model_validate(about)
    return PixAwaited.model_validate(about)
