"""A registry in which each kind of grant, source and service stands, with the names that are awkward."""

from __future__ import annotations

from datetime import timedelta

from blackcat import Service, ServiceRegistry, ServiceType
from blackcat.resources import (
    EventBusResource,
    QueueResource,
    SecretResource,
    TableIndex,
    TableResource,
    TopicResource,
)

by_day = TableIndex("by_day", key="day", sort_key="total", sort_key_type="N")
orders = TableResource("orders", key="order_id", sort_key="line", indexes=[by_day], ttl="expires_at")
stock = TableResource("stock.v2", key="sku", key_type="B")
seen = TableResource("seen", key="key", ttl="expires_at")
placed = TopicResource("orders")  # named as the table is
shipped = TopicResource("shipped.fifo", content_based_deduplication=True)
elsewhere = TopicResource("made_elsewhere")
mail = QueueResource("mail-cmd", delay=timedelta(seconds=5))
mail_again = QueueResource("mail_cmd", max_receive_count=None)
shop = EventBusResource("shop")
bank = EventBusResource("bank")
everyones = EventBusResource("default")
password = SecretResource("shop/db")
theirs = SecretResource("arn:aws:secretsmanager:eu-west-1:210987654321:secret:their/key-AbCdEf")

EVERYTHING = ServiceRegistry(
    [
        Service(
            name="place_order",
            type=ServiceType.CONSUMER,
            entrypoint="shop:place",
            queue_name="orders_cmd",
            subscribes=[
                placed.subscription(filter_policy={"country": ["BR", {"prefix": "P"}], 'say "x"': [True]}),
                elsewhere.subscription(raw_delivery=True),
                bank.rule(pattern={"source": ["bank"], "detail": {"amount": [{"numeric": [">", 100]}]}}),
                everyones.rule(pattern={"source": ["aws.s3"]}, name="files"),
            ],
            uses=[orders.read_write(), placed.publish(), mail.send(), shop.put(), password.read()],
        ),
        Service(
            name="in-order",
            type=ServiceType.CONSUMER,
            entrypoint="shop:ship",
            queue_name="ship.fifo",
            subscribes=[shipped],
            uses=[shipped.publish(), seen.read_write(), stock.write(), theirs.read()],
        ),
        Service(
            name="old_letters",
            type=ServiceType.CONSUMER,
            entrypoint="shop:letters",
            queue_name="orders_cmd_dlq",
        ),
        Service(
            name="send_mail", type=ServiceType.CONSUMER, entrypoint="shop:mail", queue_name=mail_again.name
        ),
        Service(
            name="tidy",
            type=ServiceType.WORKER,
            entrypoint="shop:tidy",
            schedule="cron(0 3 * * ? *)",
            timezone="America/Sao_Paulo",
            exclusive=True,
            uses=[stock.read(), everyones.put(), mail_again.consume()],
        ),
        Service(name="once", type=ServiceType.WORKER, entrypoint="shop:once"),
        Service(name="shop_api", type=ServiceType.REST_API, endpoint_module="shop.api", uses=[orders.read()]),
        Service(name="admin_api", type=ServiceType.REST_API, endpoint_module="shop.admin"),
    ]
)
