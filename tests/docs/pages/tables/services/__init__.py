from blackcat import Service, ServiceRegistry, ServiceType
from blackcat.resources import TableIndex, TableResource

orders = TableResource(
    "orders",
    key="order_id",
    indexes=[TableIndex("by_state", key="state", sort_key="placed_at")],
    ttl="expires_at",
)
others = [TableResource(name, key="id") for name in ("payments", "outbox", "customers", "carts")]
services = ServiceRegistry(
    [
        Service(
            name="shop",
            type=ServiceType.WORKER,
            entrypoint="shop:run",
            uses=[table.read_write() for table in (orders, *others)],
        )
    ]
)
