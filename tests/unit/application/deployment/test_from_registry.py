"""What there is to deploy, from a registry."""

from datetime import timedelta

import pytest

from blackcat import Service, ServiceRegistry, ServiceType
from blackcat.application.deployment.from_registry import deployment_of
from blackcat.application.deployment.lambda_limits import timeout_seconds
from blackcat.errors import ConfigurationError
from blackcat.resources import (
    EventBusResource,
    QueueResource,
    SecretResource,
    TableIndex,
    TableResource,
    TopicResource,
)


def consumer(name="orders", **options):
    options.setdefault("queue_name", f"{name}_cmd")
    return Service(name=name, type=ServiceType.CONSUMER, entrypoint="a:b", **options)


def worker(name="sweep", **options):
    return Service(name=name, type=ServiceType.WORKER, entrypoint="a:b", **options)


def api(name="api", **options):
    return Service(name=name, type=ServiceType.REST_API, endpoint_module="a.b", **options)


def deployed(*services):
    return deployment_of(ServiceRegistry(services), name="shop")


def test_services_by_their_type():
    deployment = deployed(consumer(), worker(), api())
    assert [service.port for service in deployment.services] == [8080, None, 8000]
    assert [service.name for service in deployment.consumers] == ["orders"]
    assert [service.name for service in deployment.workers] == ["sweep"]
    assert [service.name for service in deployment.apis] == ["api"]


def test_a_platform_waits_longer_than_the_shutdown_budget_that_the_service_is_told():
    [service] = deployment_of(ServiceRegistry([consumer()]), name="shop", shutdown_seconds=50).services
    assert service.variables == {"SERVICE_NAME": "orders", "SHUTDOWN_TIMEOUT_SECONDS": "50"}
    assert service.stop_seconds == 55


def test_a_queue_comes_with_its_dead_letters_and_what_feeds_it():
    started, bus = TopicResource("started"), EventBusResource("events")
    rule = bus.rule(pattern={"source": ["shop"]})
    service = consumer(
        subscribes=[started.subscription(raw_delivery=True), rule],
        uses=[QueueResource("orders_cmd", visibility_timeout=timedelta(minutes=3)).send()],
    )
    [queue] = deployed(service).queues
    assert (queue.logical, queue.visibility_seconds) == ("OrdersCmdQueue", 180)
    assert queue.dead_letter.logical == "OrdersCmdDlqQueue"
    assert queue.subscriptions == (started.subscription(raw_delivery=True),)
    assert [one.declared for one in queue.rules] == [rule]


def test_two_consumers_of_a_queue_subscribe_it_once():
    started = TopicResource("started")
    [queue] = deployed(
        consumer("one", queue_name="shared", subscribes=[started]),
        consumer("two", queue_name="shared", subscribes=[started]),
    ).queues
    assert len(queue.subscriptions) == 1


def test_dead_letters_that_are_consumed_are_one_queue():
    deployment = deployed(consumer(), consumer("mend", queue_name="orders_cmd_dlq"))
    own = next(queue for queue in deployment.queues if queue.name == "orders_cmd_dlq")
    orders = next(queue for queue in deployment.queues if queue.name == "orders_cmd")
    assert orders.dead_letter.logical == own.logical


def test_what_nobody_here_feeds_or_consumes_may_be_another_project_s():
    processed, bus = TopicResource("processed"), EventBusResource("events")
    taken = consumer(subscribes=[processed, bus.rule(pattern={"source": ["shop"]})])
    deployment = deployed(taken, api(uses=[QueueResource("elsewhere").send()]))
    assert {queue.name: queue.foreign for queue in deployment.queues} == {
        "orders_cmd": False,
        "elsewhere": True,
    }
    assert [topic.foreign for topic in deployment.topics] == [True]
    assert [bus.foreign for bus in deployment.buses] == [True]
    giving = api(uses=[processed.publish(), bus.put(), EventBusResource("default").put()])
    deployment = deployed(taken, giving)
    assert [topic.foreign for topic in deployment.topics] == [False]
    assert {bus.name: bus.foreign for bus in deployment.buses} == {"events": False, "default": True}


def test_tables_and_secrets():
    table = TableResource(
        "orders", key="id", indexes=[TableIndex("by_day", key="day", sort_key="at", sort_key_type="N")]
    )
    by_arn = SecretResource("arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf")
    deployment = deployed(
        worker(uses=[table.read(), SecretResource("shop/db").read(), by_arn.read()], exclusive=True)
    )
    assert {table.logical: table.attributes for table in deployment.tables} == {
        "OrdersTable": {"id": "S", "day": "S", "at": "N"},
        "SweepLockTable": {"name": "S"},
    }
    assert [secret.foreign for secret in deployment.secrets] == [False, True]


@pytest.mark.parametrize(
    ("visibility", "timeout"), [(0, 1), (5, 1), (60, 10), (100, 16), (5400, 900), (43_200, 900)]
)
def test_a_function_has_a_sixth_of_its_queue_s_visibility_timeout(visibility, timeout):
    queue = QueueResource("orders_cmd", visibility_timeout=timedelta(seconds=visibility))
    [service] = deployed(consumer(uses=[queue.consume()])).services
    assert timeout_seconds(service) == timeout


def test_functions_of_workers_and_apis():
    deployment = deployed(worker(), worker("short", deadline=timedelta(minutes=2)), api())
    assert [timeout_seconds(service) for service in deployment.services] == [900, 150, 30]


def test_lambda_ends_what_is_too_long_for_it_so_that_is_refused():
    [service] = deployed(worker(deadline=timedelta(minutes=15))).services
    with pytest.raises(ConfigurationError, match="worker 'sweep' has a deadline of 900 seconds, and Lambda"):
        timeout_seconds(service)
