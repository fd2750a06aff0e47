from blackcat import Service, ServiceRegistry, ServiceType
from blackcat.resources import QueueResource, TopicResource

orders = QueueResource("orders")
paid = TopicResource("paid")
services = ServiceRegistry(
    [
        Service(
            name="shop",
            type=ServiceType.WORKER,
            entrypoint="shop:run",
            uses=[orders.send(), paid.publish()],
        )
    ]
)
