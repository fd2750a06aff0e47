from blackcat import Service, ServiceRegistry, ServiceType

services = ServiceRegistry(
    [
        Service(
            name="orders", type=ServiceType.CONSUMER, entrypoint="shop.orders:Orders", queue_name="orders_cmd"
        ),
        Service(name="nightly", type=ServiceType.WORKER, entrypoint="shop.nightly:run", exclusive=True),
        Service(name="shop_api", type=ServiceType.REST_API, endpoint_module="shop.api"),
    ],
    container="shop.container:build_container",
)
