from datetime import timedelta
from typing import Any

from blackcat import RetryPolicy, Service, ServiceRegistry, ServiceType
from blackcat.resources import QueueResource


def consumer(name: str, entrypoint: str, **attributes: Any) -> Service:
    # What is seen again within a test was given back: it did not wait for this visibility timeout.
    queue = QueueResource(f"{name}_cmd", **{"visibility_timeout": timedelta(minutes=10), **attributes})
    return Service(
        name=name,
        type=ServiceType.CONSUMER,
        entrypoint=entrypoint,
        queue_name=queue.name,
        uses=[queue.consume()],
        retry=RetryPolicy(base=timedelta(milliseconds=100), longest=timedelta(seconds=1)),
    )


services = ServiceRegistry(
    [
        consumer("abused", "handlers:handle"),
        consumer("typed", "handlers:handle_order"),
        consumer("asynchronous", "handlers:handle_later"),
        consumer("hides_nothing", "handlers:handle", visibility_timeout=timedelta(0)),
        consumer("receives_once", "handlers:handle", max_receive_count=1),
    ]
)
