"""The messages, and the handler that all contenders run on them."""

from __future__ import annotations

import json
import os
from typing import Any

QUEUE = os.environ.get("BENCH_QUEUE", "bench")
handled = 0


def payload(number: int) -> dict[str, Any]:
    return {"id": number, "customer": f"customer-{number % 97}", "amount": "12.50", "currency": "EUR"}


def plain_messages(count: int) -> list[dict[str, Any]]:
    return [{"Body": json.dumps(payload(number))} for number in range(count)]


def handle(decoded: dict[str, Any]) -> None:
    """Frameworks that decode JSON themselves hand over what they decoded."""
    global handled
    handled += len(decoded) > 0


def decode_and_handle(body: str) -> None:
    handle(json.loads(body))
