"""The adapter behind PaymentRepository: a table, with the version as the guard against lost changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from uuid import UUID

from blackcat import DynamoRepository
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

    @cached_property
    def _models(self) -> DynamoRepository[PaymentModel]:
        return DynamoRepository(PaymentModel, self.table)

    def get(self, payment_id: UUID) -> Payment | None:
        model = self._models.get(payment_id)
        return model.to_entity() if model else None

    def save(self, payment: Payment) -> Payment:
        try:
            return self._models.save(PaymentModel.from_entity(payment)).to_entity()
        except ConditionFailed as error:
            raise PaymentChanged(f"payment {payment.id} was changed by another writer") from error

    def pending_created_before(self, instant: datetime) -> Iterator[Payment]:
        found = self._models.query(
            PaymentStatus.PENDING, sort=less_than(instant), index=payments_by_status.name
        )
        return (model.to_entity() for model in found)
