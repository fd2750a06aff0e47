"""Services as Lambda functions: real processes over the runtime's own protocol, on the emulator's AWS."""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from blackcat.adapters_aws import AwsOptions, DynamoTable, SqsBroker, SqsQueue, provision
from blackcat.application.clock import SystemClock
from blackcat.application.lock import Held, TableLock
from blackcat.domain.message import Message
from blackcat.domain.registry import ServiceRegistry
from blackcat.domain.service import Service, ServiceType
from blackcat.resources import TableResource
from blackcat.testing.events import (
    Event,
    function_url_event,
    schedule_event,
    sns_event,
    sns_notification,
    sqs_event,
    sqs_record,
)
from blackcat.testing.lambda_runtime import LambdaFunction
from blackcat.testing.lambda_url import LambdaUrl
from blackcat.testing.span_collector import span_collector

PROJECT = Path(__file__).with_name("lambda_project")
PATIENT = timedelta(seconds=60)

Function = Callable[..., LambdaFunction]


@pytest.fixture
def function(environment: dict[str, str]) -> Iterator[Function]:
    """A function of the project; its process is ended with the test."""
    made: list[LambdaFunction] = []

    def make(service: str | None, *, handler: str = "main.handler", **options: Any) -> LambdaFunction:
        changes = options.pop("environment", {})
        variables = {**environment, **({"SERVICE_NAME": service} if service else {}), **changes}
        made.append(
            LambdaFunction(
                handler,
                root=PROJECT,
                environment=variables,
                **{"timeout": PATIENT, **options},
            )
        )
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def orders(aws_options: AwsOptions, unique: str, broker: SqsBroker) -> SqsQueue:
    declared = Service(name="orders", type=ServiceType.CONSUMER, entrypoint="a:b", queue_name="orders_cmd")
    provision(ServiceRegistry([declared]), aws_options, prefix=f"{unique}_")
    return broker.queue(f"{unique}_orders_cmd")


def received(queue: SqsQueue, *payloads: Any) -> list[Message]:
    """The messages of these payloads, as an event source mapping would hold them."""
    for payload in payloads:
        queue.send(payload)
    found: list[Message] = []
    while len(found) < len(payloads):
        found += queue.receive(wait=timedelta(seconds=5))
    return found


def event_of(queue: SqsQueue, messages: list[Message]) -> Event:
    return sqs_event(
        *[
            sqs_record(message.body, queue=queue.name)
            | {"messageId": message.id, "receiptHandle": message.receipt}
            for message in messages
        ]
    )


def failures(answer: Any) -> set[str]:
    return {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}


def test_a_batch_is_settled_on_its_queue(function: Function, orders: SqsQueue, broker: SqsBroker) -> None:
    messages = received(orders, {"id": 1}, {"id": 2, "again": True}, {"id": 3, "rejected": "no such order"})
    by_id = {message.body.partition(":")[2][0]: message for message in messages}
    reply = function("orders").invoke(event_of(orders, messages))
    assert failures(reply.value()) == {by_id["2"].id}
    orders.delete([by_id["1"].receipt, by_id["3"].receipt])  # as Lambda does with what is not named
    [back] = orders.receive()
    assert back.id == by_id["2"].id  # at once, as its Retry said
    [letter] = broker.queue(f"{orders.name}_dlq").receive()
    assert letter.attributes["blackcat.reason"].value == "no such order"
    assert [line["lease"] for line in reply.lines if line["event"] == "order.done"] == [True]


def test_the_rest_of_a_batch_comes_back_at_once_when_the_time_is_short(
    function: Function, orders: SqsQueue
) -> None:
    messages = received(orders, *[{"id": number, "seconds": 0.9} for number in range(4)])
    slow = function("orders", timeout=timedelta(seconds=3), environment={"CONSUMER_CONCURRENCY": "1"})
    slow.invoke(sns_event(sns_notification({"id": 0})))  # the cold start is not what is tested
    reply = slow.invoke(event_of(orders, messages))
    done = {line["message_id"] for line in reply.lines if line["event"] == "order.done"}
    named = failures(reply.value())
    assert done
    assert named == {message.id for message in messages} - done
    assert [line["count"] for line in reply.lines if line["event"] == "messages.released"] == [len(named)]
    assert orders.receive()


def test_what_outlasts_the_function_is_named_and_the_rest_is_kept(
    function: Function, orders: SqsQueue
) -> None:
    quick, hanging = received(orders, {"id": 1}), received(orders, {"id": 2, "seconds": 60})
    reply = function("orders", timeout=timedelta(seconds=4)).invoke(event_of(orders, quick + hanging))
    assert failures(reply.value()) == {hanging[0].id}
    assert [line["message_id"] for line in reply.lines if line["event"] == "message.abandoned"] == [
        hanging[0].id
    ]


def test_what_is_built_at_the_start_serves_every_invocation(function: Function) -> None:
    consumer = function("orders", freeze=True)
    first, second = (consumer.invoke(sns_event(sns_notification({"id": number}))) for number in (1, 2))
    assert (first.cold, second.cold) == (True, False)
    [one] = [line for line in first.lines if line["event"] == "order.done"]
    [two] = [line for line in second.lines if line["event"] == "order.done"]
    assert (one["cold_start"], one["lambda_request_id"]) == (True, first.request_id)
    assert "cold_start" not in two
    assert two["lambda_request_id"] == second.request_id
    assert (two["function"], two["function_version"]) == ("function", "$LATEST")
    assert consumer.output.count("container.built") == 1


def test_a_run_has_its_events_time_and_its_lock(
    function: Function, aws_options: AwsOptions, unique: str
) -> None:
    declared = Service(name="nightly", type=ServiceType.WORKER, entrypoint="a:b", exclusive=True)
    provision(ServiceRegistry([declared]), aws_options, prefix=f"{unique}_")
    table = DynamoTable(TableResource(f"{unique}_nightly_lock", key="name"), aws_options)
    lock = TableLock(
        table=table, name="nightly", holder="a test", lease=timedelta(minutes=1), clock=SystemClock()
    )
    lease = lock.acquire(lambda seconds: True)
    assert lease is not None
    assert not isinstance(lease, Held)
    nightly = function("nightly")
    held = nightly.invoke(schedule_event()).value()
    assert held["ended"] == "lock_held"
    assert "a test" in held["reason"]
    lease.release(succeeded=True)
    reply = nightly.invoke(schedule_event())
    assert reply.value() == {"ended": "finished"}
    [ran] = [line for line in reply.lines if line["event"] == "nightly.ran"]
    assert ran["due"].startswith("2030-01-01 00:00:00")


def test_requests_reach_the_api_over_http(function: Function) -> None:
    with LambdaUrl(function("shop_api")) as served:
        with urllib.request.urlopen(f"{served.url}/hello/caf%C3%A9") as answer:
            assert answer.read() == "hello café".encode()
            assert len(answer.headers.get_all("set-cookie")) == 2
        content = bytes(range(256))
        with urllib.request.urlopen(f"{served.url}/echo", data=content) as answer:
            assert answer.read() == content
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{served.url}/large")
        assert refused.value.code == 500
        assert b"is above the limit of" in refused.value.read()


def test_a_request_that_is_killed_has_told_where_it_stood_and_its_numbers(function: Function) -> None:
    api = function("shop_api", timeout=timedelta(seconds=1), environment={"METRICS": "emf"})
    api.invoke(function_url_event("GET", "/hello/you"))
    reply = api.invoke(function_url_event("GET", "/slow"))
    assert reply.error == "Sandbox.Timedout"
    [overdue] = [line for line in reply.lines if line["event"] == "invocation.overdue"]
    assert "time.sleep(60)" in overdue["stack"]
    assert [line for line in reply.lines if "blackcat_http_requests_in_flight" in line]
    assert api.invoke(function_url_event("GET", "/hello/you")).value()["statusCode"] == 200


def test_metrics_are_lines_of_each_invocation(function: Function) -> None:
    api = function("shop_api", environment={"METRICS": "emf"})
    for _ in range(2):
        reply = api.invoke(function_url_event("GET", "/hello/you"))
        [line] = [line for line in reply.lines if "blackcat_http_requests" in line]
        assert line["blackcat_http_requests"] == 1


def test_spans_are_sent_with_each_invocation_within_lambdas_own_trace(function: Function) -> None:
    with span_collector() as collector:
        late = {"TRACING": "otlp", "OTEL_BSP_SCHEDULE_DELAY": "600000"}
        consumer = function("orders", environment={**collector.environment, **late})
        trace, parent = "1-5759e988-bd862e3fe1be46a994272793", "53995c3f42cd8ad8"
        header = f"Root={trace};Parent={parent};Sampled=1"
        consumer.invoke(sns_event(sns_notification({"id": 1})), trace=header).value()
        [invoked] = collector.spans.named("invoke orders")
        assert (invoked.trace_id, invoked.parent_id) == (trace[2:].replace("-", ""), parent)
        [processed] = [span for span in collector.spans if span.name.startswith("process")]
        assert processed.parent_id == invoked.span_id
        assert processed.name.endswith("_orders_cmd")
        consumer.invoke(sns_event(sns_notification({"id": 2})), trace=f"Root={trace};Sampled=0").value()
        assert len(collector.spans.named("invoke orders")) == 2


def test_the_registry_is_found_as_the_command_line_finds_it(function: Function) -> None:
    found = function("shop_api", handler="blackcat.entrypoints.aws_lambda.handler")
    assert found.invoke(function_url_event("GET", "/hello/you")).value()["body"] == "hello you"


def test_a_folder_without_a_project_says_so(environment: dict[str, str], tmp_path: Path) -> None:
    handler = "blackcat.entrypoints.aws_lambda.handler"
    with LambdaFunction(handler, root=tmp_path, environment=environment, timeout=PATIENT) as function:
        reply = function.invoke({})
    assert reply.error == "ProjectError"
    assert "is no Blackcat project" in reply.payload["errorMessage"]


@pytest.mark.parametrize(
    ("changes", "kind", "told"),
    [
        ({"SERVICE_NAME": "order"}, "UnknownService", "did you mean 'orders'?"),
        ({"SERVICE_NAME": ""}, "UnknownService", "SERVICE_NAME is not set"),
        ({"CONSUMER_CONCURRENCY": "many"}, "SettingsError", "CONSUMER_CONCURRENCY"),
        ({"METRICS": "prometheus"}, "ConfigurationError", "METRICS=emf"),
        ({"QUEUE_BACKEND": "rabbitmq", "RABBITMQ_URL": "amqp://x"}, "InvalidDeclaration", "Lambda polls SQS"),
    ],
)
def test_a_function_that_cannot_start_says_why(
    function: Function, changes: dict[str, str], kind: str, told: str
) -> None:
    reply = function("orders", environment=changes).invoke({})
    assert reply.error == kind
    assert told in reply.payload["errorMessage"]
    [line] = [line for line in reply.lines if line["event"] == "service.not_started"]
    assert told in line["reason"]


def test_an_api_without_its_extra_says_what_to_install(
    function: Function, environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "apig_wsgi.py").write_text("raise ImportError('not installed')")
    path = os.pathsep.join(filter(None, [str(tmp_path), environment.get("PYTHONPATH")]))
    reply = function("shop_api", environment={"PYTHONPATH": path}).invoke({})
    assert reply.error == "ConfigurationError"
    assert "pip install 'blackcat[lambda]'" in reply.payload["errorMessage"]


def test_what_is_restored_of_a_snapshot_opens_its_connections_anew(
    function: Function, orders: SqsQueue
) -> None:
    [message] = received(orders, {"id": 1, "again": True})
    consumer = function("orders", snap_start=True)
    reply = consumer.invoke(event_of(orders, [message]))
    assert failures(reply.value()) == {message.id}
    assert [line["event"] for line in reply.lines].index("service.started") < [
        line["event"] for line in reply.lines
    ].index("snapshot.restored")
    assert orders.receive()
