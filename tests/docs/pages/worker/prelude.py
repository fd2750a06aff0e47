from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from blackcat import Run, Service, ServiceType
from blackcat.resources import TableResource

payments = TableResource("payments", key="payment_id")
reports: Any = None
Orders = Bank = Report = Any


class ExpirePendingPaymentsUseCase(Protocol):
    def execute(self, *, stopping: Any) -> int: ...


class Overtaken(Exception): ...
