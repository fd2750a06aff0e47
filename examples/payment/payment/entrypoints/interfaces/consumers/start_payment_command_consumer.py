"""A consumer: it turns a message into a call of a use case, and its errors into an outcome."""

from __future__ import annotations

from dataclasses import dataclass

from blackcat import Reject, Retry
from payment.application.ports.driven.payment_repository_contracts import PaymentChanged
from payment.application.ports.driving.start_payment_usecase_contracts import (
    StartPaymentCommand,
    StartPaymentUseCase,
)
from payment.domain.entities.payment import InvalidPayment


@dataclass(frozen=True)
class StartPaymentCommandConsumer:
    start_payment: StartPaymentUseCase

    def __call__(self, command: StartPaymentCommand) -> None:
        try:
            self.start_payment.execute(command)
        except PaymentChanged as error:
            raise Retry(str(error)) from error
        except InvalidPayment as error:
            raise Reject(str(error)) from error
