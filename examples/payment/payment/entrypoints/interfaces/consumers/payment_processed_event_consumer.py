"""A consumer: it turns a message into a call of a use case, and its errors into an outcome."""

from __future__ import annotations

from dataclasses import dataclass

from blackcat import Reject, Retry
from payment.application.ports.driven.payment_repository_contracts import PaymentChanged
from payment.application.ports.driving.confirm_payment_usecase_contracts import (
    ConfirmPaymentUseCase,
    PaymentNotFound,
    PaymentProcessed,
)
from payment.domain.entities.payment import InvalidTransition


@dataclass(frozen=True)
class PaymentProcessedEventConsumer:
    confirm_payment: ConfirmPaymentUseCase

    def __call__(self, event: PaymentProcessed) -> None:
        try:
            self.confirm_payment.execute(event)
        except (PaymentNotFound, PaymentChanged) as error:
            raise Retry(str(error)) from error
        except InvalidTransition as error:
            raise Reject(str(error)) from error
