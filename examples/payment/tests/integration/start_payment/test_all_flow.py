"""The way of a payment through all services, over real queues, topics and a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from uuid import uuid4

import pytest

from blackcat import Message, connect
from blackcat.adapters_aws import SqsBroker
from blackcat.entrypoints.project_tests import EmulatedAws
from blackcat.entrypoints.pytest_plugin import RunService
from blackcat.resources import QueueResource, with_prefix
from payment.application.ports.driving.start_payment_usecase_contracts import StartPaymentCommand
from payment.domain.entities.payment import Payment
from payment.domain.value_objects.payment_method import PaymentMethod
from payment.infra.repositories.payment_repository import TablePaymentRepository
from services import payments, start_payment_cmd
from tests.integration.conftest import eventually
from tests.integration.start_payment.conftest import Customer, PaymentProcessor


def test_a_payment_is_ordered_announced_and_confirmed(
    customer: Customer, processor: PaymentProcessor
) -> None:
    payment_id = customer.order(method="pix")

    announced = processor.hears_of(payment_id)
    assert announced == {
        "payment_id": str(payment_id),
        "amount": "49.90",
        "currency": "BRL",
        "method": "pix",
    }
    assert customer.sees("pending", payment_id)["amount"] == "49.90"

    processor.confirms(payment_id)

    confirmed = customer.sees("confirmed", payment_id)
    assert confirmed["updated_at"] > confirmed["created_at"]


def test_the_same_command_twice_makes_one_payment(
    aws: EmulatedAws, customer: Customer, processor: PaymentProcessor
) -> None:
    command = StartPaymentCommand(
        payment_id=uuid4(), amount=Decimal("10.00"), currency="BRL", method=PaymentMethod.PIX
    )
    commands = connect(start_payment_cmd)
    commands.send(command)
    commands.send(command)
    processor.hears_of(command.payment_id)
    processor.confirms(command.payment_id)
    confirmed = customer.sees("confirmed", command.payment_id)
    eventually("both are handled", lambda: is_empty(start_payment_cmd, aws))
    while processor.hears_now_of(command.payment_id):
        pass  # the second command announced the payment, while it was pending

    commands.send(command)

    eventually("the third one is handled", lambda: is_empty(start_payment_cmd, aws))
    assert processor.hears_now_of(command.payment_id) is None
    assert customer.sees("confirmed", command.payment_id) == confirmed
    stored = connect(payments).get({"payment_id": command.payment_id})
    assert stored is not None
    assert stored["version"] == 2  # stored once, changed once


def test_a_payment_that_nobody_pays_expires(
    customer: Customer, processor: PaymentProcessor, run_service: RunService
) -> None:
    recent = customer.order()
    customer.sees("pending", recent)
    overdue = store_pending_payment(age=timedelta(hours=1))

    assert run_service("expire_pending_payments").status() == 0

    customer.sees("expired", overdue.id)
    customer.sees("pending", recent)
    processor.confirms(overdue.id)  # too late
    (dead_letter,) = eventually("the event is dead-lettered", dead_letters_of("payment_processed_evt"))
    reason = dead_letter.attributes["blackcat.reason"].value
    assert reason == "a payment that is expired cannot become confirmed"
    customer.sees("expired", overdue.id)


@pytest.mark.parametrize("service", ["payment_api", "start_payment", "payment_processed"])
def test_sigterm_ends_a_service_cleanly(service: str, run_service: RunService) -> None:
    assert run_service(service).stop() == 0


def store_pending_payment(*, age: timedelta) -> Payment:
    payment = Payment.start(
        id=uuid4(),
        amount=Decimal("10.00"),
        currency="BRL",
        method=PaymentMethod.BOLETO,
        now=datetime.now(timezone.utc) - age,
    )
    return TablePaymentRepository(table=connect(payments)).save(payment)


def is_empty(queue: QueueResource, aws: EmulatedAws) -> bool:
    return SqsBroker(aws.options).depth(with_prefix(queue, aws.prefix).name).total == 0


def dead_letters_of(queue_name: str) -> Callable[[], Sequence[Message]]:
    dead_letter = QueueResource(queue_name).dead_letter
    assert dead_letter is not None
    queue = connect(dead_letter)
    return lambda: queue.receive(wait=timedelta(seconds=1))
