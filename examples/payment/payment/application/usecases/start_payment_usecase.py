"""A use case: the steps of one business operation, written against ports only."""

from __future__ import annotations

from dataclasses import dataclass

from blackcat.application.ports import Clock
from payment.application.config.start_payment_config import StartPaymentConfig
from payment.application.ports.driven.payment_repository_contracts import PaymentRepository
from payment.application.ports.driven.topic_adapter_contracts import PaymentStarted, PaymentStartedTopic
from payment.application.ports.driving.start_payment_usecase_contracts import StartPaymentCommand
from payment.domain.entities.payment import Payment, PaymentStatus


@dataclass(frozen=True, kw_only=True)
class StartPayment:
    payments: PaymentRepository
    payment_started: PaymentStartedTopic
    config: StartPaymentConfig
    clock: Clock

    def execute(self, command: StartPaymentCommand) -> None:
        payment = self.payments.get(command.payment_id) or self._store(command)
        # A repeated command announces again: the first run may have ended between the save and this line.
        if payment.status is PaymentStatus.PENDING:
            self.payment_started.publish(_announcement(payment))

    def _store(self, command: StartPaymentCommand) -> Payment:
        self.config.check(amount=command.amount, currency=command.currency)
        payment = Payment.start(
            id=command.payment_id,
            amount=command.amount,
            currency=command.currency,
            method=command.method,
            now=self.clock.now(),
        )
        return self.payments.save(payment)


def _announcement(payment: Payment) -> PaymentStarted:
    return PaymentStarted(
        payment_id=payment.id, amount=payment.amount, currency=payment.currency, method=payment.method
    )
