"""Messages as they come from the queue, through the consumers, to their outcomes."""

from __future__ import annotations

from uuid import UUID

import pytest
from punq import Container

from blackcat import Message
from blackcat.domain.outcome import HANDLED, Outcome, Rejected, Retried
from blackcat.domain.payload import encode
from blackcat.entrypoints.message_handler import message_handler
from blackcat.testing import FrozenClock
from payment.application.ports.driven.payment_repository_contracts import PaymentChanged
from payment.application.ports.driving.confirm_payment_usecase_contracts import (
    ConfirmPaymentUseCase,
    PaymentProcessed,
)
from payment.application.ports.driving.start_payment_usecase_contracts import (
    StartPaymentCommand,
    StartPaymentUseCase,
)
from payment.domain.entities.payment import PaymentStatus
from payment.infra.repositories.payment_repository import TablePaymentRepository
from services import services
from tests.unit.builders import a_command, a_payment


class Overtaken:
    """A use case whose payment another writer always changes first."""

    def execute(self, _: StartPaymentCommand | PaymentProcessed) -> None:
        raise PaymentChanged("another writer came first")


def outcome_of(service: str, container: Container, body: object) -> Outcome:
    handle = message_handler(services.select(service), container)
    return handle(Message(id="1", body=encode(body)))


def test_a_command_starts_a_payment(container: Container, payments: TablePaymentRepository) -> None:
    command = a_command()

    assert outcome_of("start_payment", container, command) == HANDLED

    assert payments.get(command.payment_id) is not None


def test_a_payment_that_we_do_not_take_is_rejected_with_the_reason(container: Container) -> None:
    outcome = outcome_of("start_payment", container, a_command(currency="USD"))

    assert isinstance(outcome, Rejected)
    assert outcome.reason == "currency must be one of BRL, EUR"


@pytest.mark.parametrize(
    "body",
    ["not JSON", "{}", '{"payment_id": "1", "amount": "x", "currency": "BRL", "method": "cash"}'],
)
def test_a_body_that_is_no_command_is_rejected(container: Container, body: str) -> None:
    assert isinstance(outcome_of("start_payment", container, body), Rejected)


def test_a_processed_payment_is_confirmed(container: Container, payments: TablePaymentRepository) -> None:
    payment = payments.save(a_payment())

    assert outcome_of("payment_processed", container, {"payment_id": payment.id}) == HANDLED

    confirmed = payments.get(payment.id)
    assert confirmed is not None
    assert confirmed.status is PaymentStatus.CONFIRMED


def test_an_event_that_overtook_its_payment_is_tried_again(container: Container) -> None:
    outcome = outcome_of("payment_processed", container, {"payment_id": UUID(int=1)})

    assert isinstance(outcome, Retried)
    assert outcome.reason == f"payment {UUID(int=1)} is not stored yet"


def test_an_event_for_an_expired_payment_is_rejected(
    container: Container, payments: TablePaymentRepository, clock: FrozenClock
) -> None:
    expired = payments.save(a_payment().expire(clock.now()))

    outcome = outcome_of("payment_processed", container, {"payment_id": expired.id})

    assert isinstance(outcome, Rejected)
    assert outcome.reason == "a payment that is expired cannot become confirmed"


def test_a_message_whose_payment_was_changed_meanwhile_is_tried_again(container: Container) -> None:
    container.register(StartPaymentUseCase, instance=Overtaken())
    container.register(ConfirmPaymentUseCase, instance=Overtaken())

    started = outcome_of("start_payment", container, a_command())
    confirmed = outcome_of("payment_processed", container, {"payment_id": UUID(int=1)})

    assert isinstance(started, Retried)
    assert isinstance(confirmed, Retried)
