from blackcat import Service, ServiceRegistry, ServiceType
from blackcat.resources import TableResource

orders = TableResource("orders", key="order_id")
services = ServiceRegistry(
    [
        Service(
            name="place_order",
            type=ServiceType.CONSUMER,
            entrypoint="shop:place_order",
            queue_name="place_order_cmd",
            uses=[orders.write()],
        )
    ]
)
