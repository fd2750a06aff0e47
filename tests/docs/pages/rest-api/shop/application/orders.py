from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID


@dataclass(frozen=True)
class Order:
    id: UUID
    sku: str


class PlaceOrderUseCase(Protocol):
    def execute(self, order: Any) -> Order: ...


class OrderRepository(Protocol):
    def get(self, order_id: UUID) -> Order | None: ...
