from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from services import shop_events

from blackcat import Message
from blackcat.application.ports import EventBus
from blackcat.resources import EventBusResource, QueueResource


@dataclass(frozen=True)
class PaymentConfirmed:
    payment_id: str
    amount: Decimal


class ShipOrderUseCase(Protocol):
    def execute(self, paid: PaymentConfirmed) -> None: ...


def confirm_payment(bus: EventBus) -> None:
    bus.put(PaymentConfirmed("p-1", Decimal(10)), source="shop.payments", detail_type="PaymentConfirmed")


payment_id, amount = "p-1", Decimal(10)
payments = [PaymentConfirmed("p-2", Decimal(20)), PaymentConfirmed("p-3", Decimal(30))]
