"""The adapter behind PaymentRepository: a table, with the version as the guard against lost changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from blackcat.application.ports import Table
from blackcat.domain.conditions import less_than
from blackcat.errors import ConditionFailed
from payment.application.ports.driven.payment_repository_contracts import PaymentChanged
from payment.domain.entities.payment import Payment, PaymentStatus
from payment.infra.models.payment_model import PaymentModel
from services import payments_by_status


@dataclass(frozen=True, kw_only=True)
class TablePaymentRepository:
    table: Table

    def get(self, payment_id: UUID) -> Payment | None:
        item = self.table.get({"payment_id": payment_id})
        return PaymentModel.from_item(item).to_entity() if item else None

    def save(self, payment: Payment) -> Payment:
        item = PaymentModel.from_entity(payment).to_item()
        try:
            version = self.table.save(item, version=payment.version)
        except ConditionFailed as error:
            raise PaymentChanged(f"payment {payment.id} was changed by another writer") from error
        return replace(payment, version=version)

    def pending_created_before(self, instant: datetime) -> Iterator[Payment]:
        items = self.table.query(
            PaymentStatus.PENDING, sort=less_than(instant), index=payments_by_status.name
        )
        return (PaymentModel.from_item(item).to_entity() for item in items)
