"""Registries to deploy, some of them harder to write down than most."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from blackcat import Service, ServiceRegistry, ServiceType
from blackcat.application.scaffolding.plan import File
from blackcat.infra.project.deployment import files_of
from blackcat.infra.project.project import Project
from blackcat.resources import (
    EventBusResource,
    QueueResource,
    SecretResource,
    TableIndex,
    TableResource,
    TopicResource,
)


def _consumer(name, queue=None, **options):
    return Service(
        name=name,
        type=ServiceType.CONSUMER,
        entrypoint="a:b",
        queue_name=queue or f"{name[:40]}_cmd",
        **options,
    )


def _worker(name, **options):
    return Service(name=name, type=ServiceType.WORKER, entrypoint="a:b", **options)


def _api(name, **options):
    return Service(name=name, type=ServiceType.REST_API, endpoint_module="a.b", **options)


def everything() -> ServiceRegistry:
    """Each kind of service, resource and grant, under names that are valid and awkward."""
    orders = TableResource(
        "shop.orders",
        key="order#id",
        sort_key="at",
        sort_key_type="N",
        indexes=[TableIndex("by.day", key="day", key_type="B")],
        ttl="expires",
    )
    fifo = TopicResource("orders.fifo", content_based_deduplication=True)
    started, bus, default = (
        TopicResource("started"),
        EventBusResource("shop.events"),
        EventBusResource("default"),
    )
    by_name = SecretResource("shop/db+1")
    by_arn = SecretResource("arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf")
    queue = QueueResource("q" * 53, max_receive_count=3, delay=timedelta(seconds=3))
    return ServiceRegistry(
        [
            _consumer("on", "orders.fifo", subscribes=[fifo], uses=[orders.read_write(), fifo.publish()]),
            _consumer(
                "a_b",
                queue.name,
                subscribes=[
                    started.subscription(
                        filter_policy={"kind": ['a "b"', {"prefix": "x:"}]}, raw_delivery=True
                    ),
                    bus.rule(pattern={"source": ["shop"], "detail": {"amount": [{"numeric": [">", 1.5]}]}}),
                    default.rule(pattern={"source": ["aws.s3"]}, name="s3"),
                ],
                uses=[queue.consume(), by_name.read(), by_arn.read()],
            ),
            _consumer("a-b", "bare", uses=[QueueResource("bare", max_receive_count=None).consume()]),
            _worker("A" * 63, schedule="cron(0/15 9-17 ? * MON-FRI *)", timezone="America/Sao_Paulo"),
            _worker("null", schedule="rate(7 minutes)", exclusive=True, deadline=timedelta(minutes=3)),
            _worker("by_hand-", uses=[bus.put(), orders.write()]),
            _api("api_", uses=[QueueResource("elsewhere").send(), orders.read()]),
            _api("Api", uses=[default.put()]),
        ]
    )


REGISTRIES = {
    "everything": everything,
    "one worker": lambda: ServiceRegistry([_worker("sweep", schedule="rate(1 day)")]),
    "one job": lambda: ServiceRegistry([_worker("import_orders")]),
    "one API": lambda: ServiceRegistry([_api("api")]),
    "one consumer": lambda: ServiceRegistry([_consumer("take_order")]),
}


def write(project: Project, registry: ServiceRegistry, targets: Sequence[str]) -> Path:
    """Those files, below the project; its root."""
    files: list[File] = [
        file for of_target in files_of(project, registry, targets).values() for file in of_target
    ]
    for file in files:
        target = project.root / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(file.content)
    return project.root
