from blackcat import Service, ServiceRegistry, ServiceType
from blackcat.resources import QueueResource, TableResource, TopicResource

orders = TableResource("orders", key="id")
orders_cmd = QueueResource("orders_cmd", max_receive_count=3)
reminders = QueueResource("reminders")
services = ServiceRegistry(
    [
        Service(
            name="place_order",
            type=ServiceType.CONSUMER,
            entrypoint="shop:place_order",
            queue_name="orders_cmd",
            uses=[orders.read_write()],
        ),
        Service(name="remind", type=ServiceType.CONSUMER, entrypoint="shop:remind", queue_name="reminders"),
    ]
)
