from blackcat import Service, ServiceRegistry, ServiceType

services = ServiceRegistry(
    [Service(name="orders", type=ServiceType.CONSUMER, entrypoint="shop:handle", queue_name="orders")]
)
