from blackcat import Service, ServiceRegistry, ServiceType

services = ServiceRegistry(
    [
        Service(
            name="orders",
            type=ServiceType.CONSUMER,
            entrypoint="shop.consumers:handle_order",
            queue_name="orders_cmd",
        ),
        Service(name="shop_api", type=ServiceType.REST_API, endpoint_module="shop.api"),
        Service(
            name="stocktaking",
            type=ServiceType.WORKER,
            entrypoint="shop.jobs:take_stock",
            schedule="rate(1 day)",
        ),
    ]
)
