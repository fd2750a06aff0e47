import pytest

from blackcat import Service, ServiceRegistry, ServiceType
from blackcat.errors import InvalidDeclaration, UnknownService
from blackcat.resources import EventBusResource, QueueResource, TableResource, TopicResource

payments = TableResource("payments", key="payment_id")


def consumer(name, queue_name, **more):
    return Service(name=name, type=ServiceType.CONSUMER, entrypoint="a.b:C", queue_name=queue_name, **more)


def test_names_are_unique():
    with pytest.raises(InvalidDeclaration, match="two services are named 'orders'"):
        ServiceRegistry([consumer("orders", "a"), consumer("orders", "b")])


def test_only_services_are_taken():
    with pytest.raises(InvalidDeclaration, match=r"takes Service\(\.\.\.\) declarations, not 'orders'"):
        ServiceRegistry(["orders"])


def test_select_gives_the_named_service():
    orders = consumer("orders", "orders_cmd")
    assert ServiceRegistry([orders]).select("orders") is orders


@pytest.mark.parametrize("name", [None, ""])
def test_without_a_name_the_known_ones_are_listed(name):
    registry = ServiceRegistry([consumer("orders", "a"), consumer("refunds", "b")])
    with pytest.raises(UnknownService, match="SERVICE_NAME is not set: set it to one of .* orders, refunds"):
        registry.select(name)


def test_an_unknown_name_suggests_the_nearest():
    registry = ServiceRegistry([consumer("start_payment", "a"), consumer("refunds", "b")])
    with pytest.raises(UnknownService) as unknown:
        registry.select("start-payments")
    assert "did you mean 'start_payment'?" in str(unknown.value)
    assert "start_payment, refunds" in str(unknown.value)


def test_resources_are_gathered_from_uses_subscriptions_and_queues_once_each():
    topic, bus = TopicResource("payment_processed"), EventBusResource("shop")
    rule = bus.rule(pattern={"source": ["shop"]})
    registry = ServiceRegistry(
        [
            consumer("one", "one_cmd", uses=[payments.read()], subscribes=[topic, rule]),
            consumer("two", "two_cmd", uses=[payments.write(), bus.put()]),
        ]
    )
    queues = {QueueResource("one_cmd"), QueueResource("two_cmd")}
    assert set(registry.resources) == {payments, topic, bus, *queues}


def test_services_that_share_a_queue_share_its_rules_or_name_them():
    bus = EventBusResource("shop")
    paid, lost = (bus.rule(pattern={"detail-type": [kind]}) for kind in ("Paid", "Lost"))
    with pytest.raises(InvalidDeclaration, match="'shop' has two rules named 'orders'; service 'two'"):
        ServiceRegistry(
            [consumer("one", "orders", subscribes=[paid]), consumer("two", "orders", subscribes=[lost])]
        )
    named = bus.rule(pattern={"detail-type": ["Lost"]}, name="lost")
    ServiceRegistry(
        [consumer("one", "orders", subscribes=[paid]), consumer("two", "orders", subscribes=[paid, named])]
    )


def test_a_declared_queue_gives_its_attributes_to_whoever_consumes_it():
    declared = QueueResource("orders_cmd", max_receive_count=2)
    orders = consumer("orders", "orders_cmd")
    sender = Service(name="api", type=ServiceType.REST_API, endpoint_module="a.b", uses=[declared.send()])
    assert ServiceRegistry([orders, sender]).queue_of(orders) is declared


def test_a_queue_nobody_declared_has_the_defaults():
    orders = consumer("orders", "orders_cmd")
    assert ServiceRegistry([orders]).queue_of(orders) == QueueResource("orders_cmd")


def test_one_resource_declared_twice_with_other_attributes_is_refused():
    with pytest.raises(
        InvalidDeclaration, match="QueueResource 'audit' is declared with different attributes"
    ):
        ServiceRegistry(
            [
                consumer("one", "one_cmd", uses=[QueueResource("audit").send()]),
                consumer("two", "two_cmd", uses=[QueueResource("audit", max_receive_count=1).send()]),
            ]
        )
