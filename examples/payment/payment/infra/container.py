"""The one place where ports meet adapters. Blackcat calls it at start and injects from it."""

from __future__ import annotations

from datetime import timedelta

from punq import Container

from blackcat import connect
from blackcat.application.clock import SystemClock
from blackcat.application.ports import Clock
from payment.application.config.start_payment_config import StartPaymentConfig
from payment.application.ports.driven.payment_repository_contracts import PaymentRepository
from payment.application.ports.driven.queue_adapter_contracts import StartPaymentQueue
from payment.application.ports.driven.topic_adapter_contracts import PaymentStartedTopic
from payment.application.ports.driving.confirm_payment_usecase_contracts import ConfirmPaymentUseCase
from payment.application.ports.driving.expire_pending_payments_usecase_contracts import (
    ExpirePendingPaymentsUseCase,
)
from payment.application.ports.driving.start_payment_usecase_contracts import StartPaymentUseCase
from payment.application.usecases.confirm_payment_usecase import ConfirmPayment
from payment.application.usecases.expire_pending_payments_usecase import ExpirePendingPayments
from payment.application.usecases.start_payment_usecase import StartPayment
from payment.infra.adapters.start_payment_usecase_config_adapter import start_payment_config
from payment.infra.config.settings import PaymentSettings
from payment.infra.repositories.payment_repository import TablePaymentRepository
from services import payment_started, payments, start_payment_cmd


def build_container() -> Container:
    settings = PaymentSettings()
    container = Container()
    bind_adapters(container, settings)
    bind_use_cases(container, settings)
    return container


def bind_adapters(container: Container, settings: PaymentSettings) -> None:
    container.register(Clock, instance=SystemClock())
    container.register(PaymentRepository, instance=TablePaymentRepository(table=connect(payments)))
    container.register(StartPaymentQueue, instance=connect(start_payment_cmd))
    container.register(PaymentStartedTopic, instance=connect(payment_started))
    container.register(StartPaymentConfig, instance=start_payment_config(settings))


def bind_use_cases(container: Container, settings: PaymentSettings) -> None:
    expires_after = timedelta(seconds=settings.payment_expires_after_seconds)
    container.register(StartPaymentUseCase, StartPayment)
    container.register(ConfirmPaymentUseCase, ConfirmPayment)
    container.register(ExpirePendingPaymentsUseCase, ExpirePendingPayments, expires_after=expires_after)
