"""A worker: one run of a use case. Its schedule is declared in services/__init__.py."""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from payment.application.ports.driving.expire_pending_payments_usecase_contracts import (
    ExpirePendingPaymentsUseCase,
)

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class ExpirePendingPaymentsWorker:
    expire_pending_payments: ExpirePendingPaymentsUseCase

    def __call__(self) -> None:
        expired = self.expire_pending_payments.execute()
        log.info("payments.expired", count=expired)
