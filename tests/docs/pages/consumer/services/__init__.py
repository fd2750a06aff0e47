from blackcat import Service, ServiceRegistry, ServiceType
from blackcat.resources import TableResource

handled_orders = TableResource("handled_orders", key="key", ttl="expires_at")
services = ServiceRegistry(
    [Service(name="shop", type=ServiceType.WORKER, entrypoint="shop:run", uses=[handled_orders.read_write()])]
)
