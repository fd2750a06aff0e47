from datetime import timedelta

from blackcat import RetryPolicy, Service, ServiceRegistry, ServiceType
from blackcat.resources import QueueResource, TopicResource

orders_cmd = QueueResource("orders_cmd", visibility_timeout=timedelta(seconds=3))
order_placed = TopicResource("order_placed")
SOON = RetryPolicy(base=timedelta(milliseconds=100), longest=timedelta(seconds=1))

services = ServiceRegistry(
    [
        Service(
            name="orders",
            type=ServiceType.CONSUMER,
            entrypoint="handlers:OrderConsumer",
            queue_name="orders_cmd",
            subscribes=[order_placed],
            uses=[orders_cmd.consume()],
            retry=SOON,
        ),
        Service(
            name="ordered",
            type=ServiceType.CONSUMER,
            entrypoint="handlers:handle_in_order",
            queue_name="ordered_cmd.fifo",
            retry=SOON,
        ),
        Service(
            name="dies",
            type=ServiceType.CONSUMER,
            entrypoint="handlers:handle_anything",
            queue_name="orders_cmd",
            middleware=["handlers:kill_the_poller"],
        ),
        Service(
            name="unbound", type=ServiceType.CONSUMER, entrypoint="handlers:Unbound", queue_name="orders_cmd"
        ),
        Service(
            name="broken", type=ServiceType.CONSUMER, entrypoint="broken:handle", queue_name="orders_cmd"
        ),
        Service(name="job", type=ServiceType.WORKER, entrypoint="handlers:job"),
        Service(name="failing_job", type=ServiceType.WORKER, entrypoint="handlers:failing_job"),
        Service(name="long_job", type=ServiceType.WORKER, entrypoint="handlers:long_job"),
        Service(name="api", type=ServiceType.REST_API, endpoint_module="api"),
        Service(name="unbound_api", type=ServiceType.REST_API, endpoint_module="unbound_api"),
    ],
    container="container:build_container",
)
