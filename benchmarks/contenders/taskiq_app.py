"""taskiq on SQS: run by ``taskiq worker taskiq_app:broker``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from payload import QUEUE, handle, payload
from taskiq import TaskiqMessage
from taskiq_aio_sqs import SQSBroker

broker = SQSBroker(
    QUEUE,
    endpoint_url=os.environ.get("AWS_ENDPOINT_URL"),
    region_name=os.environ.get("AWS_REGION", "eu-west-1"),
    wait_time_seconds=10,
    max_number_of_messages=10,
)


@broker.task(task_name="bench.consume")
async def consume(decoded: dict[str, Any]) -> None:
    handle(decoded)


def messages(count: int) -> Iterator[dict[str, str]]:
    for number in range(count):
        message = TaskiqMessage(
            task_id=f"{number:032x}",
            task_name=consume.task_name,
            labels={},
            args=[payload(number)],
            kwargs={},
        )
        yield {"Body": broker.formatter.dumps(message).message.decode()}
