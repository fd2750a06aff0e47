from types import SimpleNamespace
from typing import Any
from uuid import uuid4

from services import start_payment_cmd

from blackcat import connect
from blackcat.testing.span_collector import span_collector

Order = SimpleNamespace
command: dict[str, Any] = {
    "payment_id": str(uuid4()),
    "amount": "49.90",
    "currency": "BRL",
    "method": "pix",
}
