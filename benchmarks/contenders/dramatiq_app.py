"""Dramatiq on SQS: run by ``dramatiq dramatiq_app``."""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import dramatiq
from dramatiq.middleware import ShutdownNotifications
from dramatiq_sqs import SQSBroker
from payload import QUEUE, handle, payload

# Of the default middleware only what a clean stop needs: the others cost time for each message.
broker = SQSBroker(
    visibility_timeout=None,
    middleware=[ShutdownNotifications()],
    region_name=os.environ.get("AWS_REGION", "eu-west-1"),
)
dramatiq.set_broker(broker)


@dramatiq.actor(queue_name=QUEUE)
def consume(decoded: dict[str, Any]) -> None:
    handle(decoded)


def messages(count: int) -> Iterator[dict[str, str]]:
    for number in range(count):
        yield {"Body": b64encode(consume.message(payload(number)).encode()).decode()}
