"""A consumer as its users run it: a real process, real signals, the AWS protocol over HTTP."""

import json
import signal
from datetime import timedelta

import pytest

from blackcat.adapters_aws import SnsTopic
from blackcat.infra.emulator import running_emulator
from tests.integration.conftest import get, until

pytestmark = pytest.mark.usefixtures("provisioned")


@pytest.fixture
def queue(broker, unique):
    return broker.queue(f"{unique}_orders_cmd")


@pytest.fixture
def dead_letters(broker, unique):
    return broker.queue(f"{unique}_orders_cmd_dlq")


@pytest.fixture
def depth(broker):
    return lambda queue: broker.depth(queue.name)


def test_messages_are_handled_and_deleted_and_a_stop_is_clean(start, queue, depth):
    for number in range(25):
        queue.send({"id": number})
    orders = start("orders")
    orders.wait_for("message.handled", count=25)
    assert orders.health()[0] == 200
    assert orders.stop() == 0
    stopped = orders.wait_for("consumer.stopped")
    assert (stopped["handled"], stopped["retried"], stopped["rejected"]) == (25, 0, 0)
    assert depth(queue).total == 0
    assert orders.events("shop.opened")
    assert orders.events("shop.closed")


def test_topics_reach_the_same_handler_as_the_queue_itself(start, queue, aws_options, unique):
    SnsTopic(f"{unique}_order_placed", aws_options).publish({"id": 1}, attributes={"kind": "card"})
    queue.send({"id": 2})
    queue.send(
        {
            "version": "0",
            "id": "6a7e",
            "detail-type": "OrderPlaced",
            "source": "shop",
            "account": "000000000000",
            "time": "2026-01-01T00:00:00Z",
            "region": "us-east-1",
            "resources": [],
            "detail": {"id": 3},
        }
    )
    orders = start("orders")
    orders.wait_for("order.done", count=3)
    assert {event["order"] for event in orders.events("order.done")} == {1, 2, 3}


def test_a_failing_message_comes_back_until_it_succeeds(start, queue, depth):
    queue.send({"id": 1, "fails": 2})
    orders = start("orders")
    orders.wait_for("order.done", order=1)
    assert len(orders.events("message.retried")) == 2
    assert orders.stop() == 0
    assert depth(queue).total == 0


def test_a_rejected_message_stands_in_the_dead_letter_queue_with_its_reason(
    start, queue, dead_letters, depth
):
    queue.send({"id": 1, "rejected": "no such customer"}, attributes={"own": "kept"})
    orders = start("orders")
    orders.wait_for("message.rejected")
    assert orders.stop() == 0
    (letter,) = dead_letters.receive(wait=timedelta(seconds=5))
    assert json.loads(letter.body) == {"id": 1, "rejected": "no such customer"}
    found = {name: attribute.value for name, attribute in letter.attributes.items()}
    assert found["own"] == "kept"
    assert found["blackcat.reason"] == "no such customer"
    assert depth(queue).total == 0


@pytest.mark.parametrize("body", ["not json", '"a text"', "[1]", '{"id": "one"}', "{", "\u2028", "null"])
def test_a_body_that_cannot_be_decoded_is_dead_lettered_and_stops_nothing(start, queue, dead_letters, body):
    queue.send(body)
    queue.send({"id": 2})
    orders = start("orders")
    orders.wait_for("order.done", order=2)
    orders.wait_for("message.rejected")
    assert orders.stop() == 0
    (letter,) = dead_letters.receive(wait=timedelta(seconds=5))
    assert letter.body == body
    assert letter.attributes["blackcat.reason"].value.startswith("the body cannot be decoded: ")


def test_unicode_and_a_body_of_one_mebibyte_are_handled(start, queue):
    queue.send({"id": 1, "text": "olá 🐈‍⬛ ção"})
    largest = "x" * (1_048_576 - len('{"id":2,"text":""}'))
    queue.send({"id": 2, "text": largest})
    orders = start("orders")
    assert orders.wait_for("order.done", order=1)["length"] == len("olá 🐈‍⬛ ção")
    assert orders.wait_for("order.done", order=2)["length"] == len(largest)


def test_fifo_groups_keep_their_order_through_a_failure(start, broker, unique):
    queue = broker.queue(f"{unique}_ordered_cmd.fifo")
    for number in range(6):
        for group in ("a", "b"):
            queue.send(
                {"id": number, "fails": 1 if number == 2 else 0},
                group_id=group,
                deduplication_id=f"{group}{number}",
            )
    ordered = start("ordered")
    ordered.wait_for("order.done", count=12)
    for group in ("a", "b"):
        assert [event["order"] for event in ordered.events("order.done", group=group)] == list(range(6))
    assert ordered.stop() == 0
    assert broker.depth(queue.name).total == 0


def test_sigterm_in_the_middle_of_a_message_lets_it_finish(start, queue, depth):
    queue.send({"id": 1, "sleep": 2})
    orders = start("orders")
    orders.wait_for("order.began")
    assert orders.stop() == 0
    assert orders.events("order.done", order=1)
    assert depth(queue).total == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_in_an_idle_long_poll_ends_well(start, queue, number):
    orders = start("orders")
    until(lambda: orders.health()[0] == 200, "the first poll")
    orders.signal(number)
    assert orders.status() == 0
    assert orders.events("consumer.stopped")


def test_a_stop_before_the_budget_is_enough_gives_the_message_back_at_once(start, queue, depth):
    queue.send({"id": 1, "sleep": 30})
    orders = start("orders", SHUTDOWN_TIMEOUT_SECONDS="4")
    orders.wait_for("order.began")
    assert orders.stop() == 0
    assert orders.events("messages.abandoned")
    assert depth(queue).in_flight == 0
    assert depth(queue).waiting == 1


def test_what_waits_or_arrives_during_a_stop_is_given_back_unhandled(start, queue, depth):
    for number in range(12):
        queue.send({"id": number, "sleep": 2})
    orders = start("orders", CONSUMER_CONCURRENCY="2")
    orders.wait_for("order.began", count=2)
    assert orders.stop() == 0
    handled = len(orders.events("order.done"))
    assert handled >= 2
    assert depth(queue).in_flight == 0
    assert depth(queue).waiting == 12 - handled


def test_a_second_signal_ends_at_once(start, queue):
    queue.send({"id": 1, "sleep": 60})
    orders = start("orders")
    orders.wait_for("order.began")
    orders.signal()
    orders.wait_for("consumer.stopping")
    orders.signal()
    assert orders.status() == 1
    assert orders.events("service.ended_by_second_signal", signal="SIGTERM")
    assert not orders.events("consumer.stopped")


def test_a_handler_longer_than_the_visibility_timeout_keeps_its_lease(start, queue, depth):
    queue.send({"id": 1, "sleep": 7})  # the queue hides messages for 3 seconds
    orders = start("orders")
    orders.wait_for("order.done", order=1)
    assert orders.stop() == 0
    assert len(orders.events("order.began")) == 1
    assert depth(queue).total == 0


def test_a_thread_that_dies_takes_the_process_down(start, queue):
    queue.send({"id": 1})
    dies = start("dies")
    assert dies.status() == 1
    assert dies.events("thread.died", thread="poller-0")
    assert dies.events("service.failed")


def test_an_endpoint_that_is_gone_in_mid_run_is_survived(start, registry, tmp_path, unique):
    from blackcat.adapters_aws import AwsOptions, SqsBroker, provision

    with running_emulator(state_dir=tmp_path / "state") as first:
        options = AwsOptions(region="us-east-1", endpoint_url=first.url)
        provision(registry, options, prefix=f"{unique}_")
        SqsBroker(options).queue(f"{unique}_orders_cmd").send({"id": 1})
        orders = start("orders", **first.environment())
        orders.wait_for("order.done", order=1)
    orders.wait_for("queue.poll_failed", count=2)
    assert not orders.ended
    assert orders.stop() == 0


def test_an_endpoint_that_is_gone_at_start_is_unhealthy_and_tried_again(start):
    orders = start("orders", AWS_ENDPOINT_URL="http://127.0.0.1:9")
    orders.wait_for("queue.open_failed", count=2)
    status, report = orders.health()
    assert status == 503
    assert report["status"] == "unhealthy"
    assert "is not open" in report["reasons"][0]
    assert orders.stop() == 0


def test_a_missing_queue_ends_the_start_with_its_name(start):
    orders = start("orders", RESOURCE_PREFIX="nobody_made_")
    assert orders.status() == 78
    assert "nobody_made_orders_cmd" in orders.wait_for("service.not_started")["reason"]


def test_a_health_server_answers_only_about_health(start):
    orders = start("orders")
    port = orders.wait_for("health.listening")["port"]
    assert get(f"http://127.0.0.1:{port}/secrets")[0] == 404


def test_a_taken_health_port_is_told_with_the_fix(start):
    port = start("orders").wait_for("health.listening")["port"]
    second = start("orders", HEALTH_PORT=str(port))
    assert second.status() == 78
    assert "HEALTH_PORT" in second.wait_for("service.not_started")["reason"]
