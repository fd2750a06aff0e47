"""Celery on SQS: run by ``celery --app celery_app worker``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from celery import Celery
from kombu import Connection
from kombu.asynchronous.aws.sqs.message import AsyncMessage
from kombu.utils.json import dumps
from payload import QUEUE, handle, payload

app = Celery("bench")
app.conf.update(
    broker_url=os.environ.get("AWS_ENDPOINT_URL", "http://localhost").replace(
        "http://", "sqs://BENCHMARK:not-a-secret@"
    ),
    broker_transport_options={
        "is_secure": False,
        "region": os.environ.get("AWS_REGION", "eu-west-1"),
        "wait_time_seconds": 10,
        "polling_interval": 0,  # after an empty poll the next one follows at once
        "visibility_timeout": 30,
    },
    broker_connection_retry_on_startup=True,
    task_default_queue=QUEUE,
    task_ignore_result=True,
    task_store_errors_even_if_ignored=False,
    worker_prefetch_multiplier=int(os.environ.get("BENCH_PREFETCH", "100")),
    worker_hijack_root_logger=False,
    worker_send_task_events=False,
    worker_enable_remote_control=False,
    worker_disable_rate_limits=True,
)


@app.task(name="bench.consume")
def consume(decoded: dict[str, Any]) -> None:
    handle(decoded)


def messages(count: int) -> Iterator[dict[str, str]]:
    """As Celery sends them: written to kombu's queue in memory, then encoded as its SQS transport does."""
    with Connection("memory://") as connection, app.amqp.Producer(connection) as producer:
        for number in range(count):
            consume.apply_async((payload(number),), producer=producer)
            yield {"Body": AsyncMessage().encode(dumps(producer.channel._get(QUEUE)))}
