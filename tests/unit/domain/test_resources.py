from datetime import timedelta

import pytest

from blackcat.errors import InvalidDeclaration
from blackcat.resources import (
    EventBusResource,
    QueueResource,
    TableIndex,
    TableResource,
    TopicResource,
    with_prefix,
)

SHOP = EventBusResource("shop")


@pytest.mark.parametrize(
    ("build", "says"),
    [
        (lambda: QueueResource("orders", content_based_deduplication=True), "name it 'orders.fifo'"),
        (lambda: QueueResource("orders.queue"), "1 to 80 letters"),
        (lambda: QueueResource(""), "1 to 80 letters"),
        (lambda: QueueResource("o" * 78), "too long for its dead-letter queue"),
        (lambda: QueueResource("orders", max_receive_count=0), "max_receive_count must be 1 to 1000"),
        (lambda: QueueResource("orders", visibility_timeout=timedelta(hours=13)), "visibility_timeout"),
        (lambda: QueueResource("orders", retention=timedelta(days=15)), "retention must lie between"),
        (lambda: QueueResource("orders", delay=timedelta(minutes=16)), "delay must lie between"),
        (lambda: TopicResource("payment.started"), "1 to 256 letters"),
        (lambda: TopicResource("t", content_based_deduplication=True), "name it 't.fifo'"),
        (lambda: QueueResource(None), "1 to 80 letters"),
        (lambda: TableResource(None, key="id"), "3 to 255"),
        (lambda: TableResource("ab", key="id"), "3 to 255"),
        (lambda: TableResource("payments", key=""), "key must name the attribute"),
        (lambda: TableResource("payments", key="id", sort_key="id"), "must differ from key"),
        (
            lambda: TableResource("payments", key="id", indexes=[TableIndex("i", "a"), TableIndex("i", "b")]),
            "holds 'i' twice",
        ),
        (lambda: TableResource("payments", key="id", ttl="id"), "ttl must name an attribute of its own"),
        (lambda: TableResource("payments", key="id", ttl=""), "ttl must name an attribute of its own"),
        (lambda: EventBusResource("shop/partner"), "1 to 256 letters"),
        (lambda: EventBusResource(""), "1 to 256 letters"),
        (lambda: SHOP.rule(pattern={}), "pattern must say which events match"),
        (
            lambda: SHOP.rule(pattern={"source": "shop"}),
            "is 'shop': list what the field may be, such as ['shop']",
        ),
        (lambda: SHOP.rule(pattern={"detail": {"a": {"b": []}}}), "pattern['detail']['a']['b'] is []"),
        (lambda: SHOP.rule(pattern={"source": ["x" * 4096]}), "fit in 4096 characters"),
        (lambda: SHOP.rule(pattern={"source": ["a"]}, name="paid orders"), "its name must be"),
    ],
)
def test_a_resource_that_aws_would_refuse_cannot_be_declared(build, says):
    with pytest.raises(InvalidDeclaration) as refused:
        build()
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("name", "dead_letter"), [("orders", "orders_dlq"), ("orders.fifo", "orders_dlq.fifo")]
)
def test_a_queue_has_a_dead_letter_queue_that_keeps_messages_longer(name, dead_letter):
    queue = QueueResource(name)
    assert queue.dead_letter is not None
    assert queue.dead_letter.name == dead_letter
    assert queue.dead_letter.retention > queue.retention
    assert queue.dead_letter.dead_letter is None


def test_a_queue_without_receive_limit_has_no_dead_letter_queue():
    assert QueueResource("orders", max_receive_count=None).dead_letter is None


def test_a_prefix_renames_a_resource_with_all_that_belongs_to_it():
    queue = with_prefix(QueueResource("orders.fifo"), "staging_")
    assert queue.name == "staging_orders.fifo"
    assert queue.dead_letter is not None
    assert queue.dead_letter.name == "staging_orders_dlq.fifo"
    assert with_prefix(queue, "") is queue


def test_the_default_bus_bears_no_prefix():
    assert with_prefix(EventBusResource("default"), "staging_").name == "default"
    assert with_prefix(SHOP, "staging_").name == "staging_shop"


def test_a_rule_is_named_after_its_queue():
    rule = SHOP.rule(pattern={"source": ["a"]})
    assert rule.name_for("orders_cmd") == "orders_cmd"
    named = SHOP.rule(pattern={"source": ["a"]}, name="paid")
    assert named.name_for("orders_cmd") == "orders_cmd-paid"
    long = {rule.name_for(f"{'q' * 70}{number}") for number in range(3)}
    assert [len(name) for name in long] == [64] * 3


def test_an_unknown_index_is_named_with_the_known_ones():
    table = TableResource("payments", key="id", indexes=[TableIndex("by_status", key="status")])
    assert table.index("by_status").key == "status"
    with pytest.raises(InvalidDeclaration, match="no index 'by_date'; its indexes: by_status"):
        table.index("by_date")
