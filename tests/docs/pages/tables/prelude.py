from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from decimal import Decimal
from enum import Enum
from types import SimpleNamespace
from uuid import UUID, uuid4

from services import others

from blackcat import DynamoRepository, connect
from blackcat.domain.conditions import at_least


class State(Enum):
    OPEN = "open"
    PAID = "paid"


@dataclass(frozen=True)
class Payment:
    id: str
    confirmed_at: datetime | None = None
    version: int = 0

    def confirm(self, now: datetime) -> "Payment":
        return replace(self, confirmed_at=now)


@dataclass(frozen=True)
class Notification:
    id: str
    version: int = 0


@dataclass(frozen=True)
class Customer:
    id: str
    version: int = 0


@dataclass(frozen=True)
class Cart:
    id: str
    version: int = 0


payments, outbox, customers, carts = (
    DynamoRepository(entity, connect(table))
    for entity, table in zip((Payment, Notification, Customer, Cart), others, strict=True)
)
payment, customer, cart = (
    payments.save(Payment("p-1")),
    customers.save(Customer("c-1")),
    carts.save(Cart("b-1")),
)
now = datetime.now(timezone.utc)
message = SimpleNamespace(id="m-1")
request = SimpleNamespace(args={})
first_id, second_id, order_id = uuid4(), uuid4(), str(uuid4())
item, last_item = {"order_id": "o-1"}, None
items, keys = [{"order_id": "o-2"}], [{"order_id": "o-3"}]
