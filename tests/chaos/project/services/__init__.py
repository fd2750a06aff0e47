from datetime import timedelta

from blackcat import RetryPolicy, Service, ServiceRegistry, ServiceType

SOON = RetryPolicy(base=timedelta(milliseconds=50), longest=timedelta(seconds=1))

services = ServiceRegistry(
    [
        Service(
            name=name,
            type=ServiceType.CONSUMER,
            entrypoint="handlers:perform",
            queue_name=queue,
            retry=SOON,
        )
        for name, queue in (("standard", "chaos"), ("fifo", "chaos.fifo"))
    ]
)
