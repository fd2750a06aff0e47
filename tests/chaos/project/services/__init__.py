from datetime import timedelta
from typing import Any

from blackcat import CircuitBreaker, RetryPolicy, Service, ServiceRegistry, ServiceType

SOON = RetryPolicy(base=timedelta(milliseconds=50), longest=timedelta(seconds=1))


def consumer(name: str, queue: str = "chaos", **protection: Any) -> Service:
    return Service(
        name=name,
        type=ServiceType.CONSUMER,
        entrypoint="handlers:perform",
        queue_name=queue,
        retry=SOON,
        **protection,
    )


services = ServiceRegistry(
    [
        consumer("standard"),
        consumer("fifo", "chaos.fifo"),
        consumer("guarded", circuit_breaker=CircuitBreaker(failures=3, pause=timedelta(seconds=2))),
        consumer("rated", rate_limit=20),
        consumer("idempotent", middleware=["idempotent:once"]),
    ]
)
