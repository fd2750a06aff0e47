"""A project whose settings are kept in AWS."""

from blackcat import Service, ServiceRegistry, ServiceType
from blackcat.resources import QueueResource, SecretResource

database = SecretResource("shop/db", dev_value={"username": "shop", "password": "canary-9e4b/of+the=db"})
orders = QueueResource("orders_cmd")

services = ServiceRegistry(
    [
        Service(
            name="orders",
            type=ServiceType.CONSUMER,
            entrypoint="handlers:take_order",
            queue_name=orders.name,
            uses=[database.read()],
        ),
        Service(name="report", type=ServiceType.WORKER, entrypoint="handlers:report", uses=[database.read()]),
        Service(name="api", type=ServiceType.REST_API, endpoint_module="api", uses=[database.read()]),
    ],
    container="container:build_container",
)
