"""What stands around the fragments of the page, in the modules of a project that they are taken from."""

from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, SecretStr

import blackcat
from blackcat import FromSecret

router = APIRouter()


class RefundRequest(BaseModel):
    payment_id: str


class RefundResult(BaseModel):
    refunded: bool


def Given(what: Any) -> Any:
    return Depends(lambda: what())


WithdrawBanner = BannerOperations = Database = Clock = PaymentGateway = Any


class RefundOperations: ...


class Jobs:
    def command(self, name: str) -> None: ...

    def function(self, job: Any) -> Any:
        return job


@contextmanager
def _transaction() -> Any:
    nothing = SimpleNamespace(add=bool, find=bool, change=bool)
    nothing.add = nothing.find = nothing.change = lambda *values: None
    yield nothing


self: Any = SimpleNamespace(database=SimpleNamespace(transaction=_transaction))
row: dict[str, Any] = {}
now = "2030-01-01T00:00:00Z"
