"""A worker: one run of a use case. When, how long and whether alone is declared in services/__init__.py."""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from blackcat import Run
from payment.application.ports.driving.expire_pending_payments_usecase_contracts import (
    ExpirePendingPaymentsUseCase,
)

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class ExpirePendingPaymentsWorker:
    expire_pending_payments: ExpirePendingPaymentsUseCase

    def __call__(self, run: Run) -> None:
        expired = self.expire_pending_payments.execute(stopping=lambda: run.stopping)
        log.info("payments.expired", count=expired)
