"""A stand-in for the payment processor outside: every customer pays at once, unless it is by boleto."""

from __future__ import annotations

from dataclasses import dataclass

from punq import Container

from blackcat import connect
from blackcat.application.ports import Topic
from services import payment_processed


@dataclass(frozen=True)
class PaymentStarted:
    payment_id: str
    method: str


@dataclass(frozen=True)
class PaymentProcessed:
    payment_id: str


def process_payment(event: PaymentStarted, topic: Topic) -> None:
    # A boleto is never paid here, so that there are payments to expire.
    if event.method != "boleto":
        topic.publish(PaymentProcessed(payment_id=event.payment_id))


def build_container() -> Container:
    container = Container()
    container.register(Topic, instance=connect(payment_processed))
    return container
