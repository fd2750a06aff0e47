"""From settings to what the use case needs to know."""

from __future__ import annotations

from payment.application.config.start_payment_config import StartPaymentConfig
from payment.infra.config.settings import PaymentSettings


def start_payment_config(settings: PaymentSettings) -> StartPaymentConfig:
    currencies = settings.payment_accepted_currencies.split(",")
    return StartPaymentConfig(
        maximum_amount=settings.payment_maximum_amount,
        accepted_currencies=frozenset(currency.strip() for currency in currencies),
    )
