"""Traces over real processes: that of a payment, and how a service ends with its last spans."""

import json
import re
import runpy
import socket
import time
import urllib.request
from pathlib import Path

import pytest

from blackcat.testing.span_collector import span_collector
from blackcat.testing.spans import in_tree_order

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "examples" / "payment_trace.py"
PICTURE = ROOT / "docs" / "en" / "images" / "payment-trace.svg"
PAYMENT = [
    "POST /payments (payment_api)",
    "  send start_payment_cmd (payment_api)",
    "    process start_payment_cmd (start_payment)",
    "      DynamoDB.GetItem (start_payment)",
    "      DynamoDB.PutItem (start_payment)",
    "      publish payment_started (start_payment)",
    "        process process_payment_cmd (payment_processor)",
    "          publish payment_processed (payment_processor)",
    "            process payment_processed_evt (payment_processed)",
    "              DynamoDB.GetItem (payment_processed)",
    "              DynamoDB.PutItem (payment_processed)",
]
NAMES = [line.strip().rpartition(" ")[0] for line in PAYMENT]
# Longer than a test: what arrives was sent because the service ended.
LATE = {"OTEL_BSP_SCHEDULE_DELAY": "600000"}


@pytest.fixture
def collector():
    with span_collector() as collector:
        yield collector


def test_a_payment_is_one_trace_from_the_order_to_the_confirmation():
    script = runpy.run_path(str(SCRIPT))
    trace = script["trace_of_a_payment"]()
    lines = [f"{'  ' * depth}{span.name} ({span.service})" for depth, span in in_tree_order(trace)]
    assert lines == PAYMENT
    assert {span.error for span in trace} == {""}
    drawn = script["drawn"](trace)
    for name in NAMES:
        assert f">{name}</text>" in drawn


def test_the_picture_in_the_docs_is_of_that_trace():
    texts = re.findall(r">([^<]+)</text>", PICTURE.read_text(encoding="utf-8"))
    assert [text for text in texts if text in NAMES] == NAMES


@pytest.mark.usefixtures("provisioned")
def test_a_consumer_sends_its_last_spans_when_it_is_stopped(start, broker, unique, collector):
    queue = broker.queue(f"{unique}_orders_cmd")
    queue.send({"id": 1})
    queue.send({"id": 2, "rejected": "no such customer"})
    orders = start("orders", **collector.environment | LATE)
    done = orders.wait_for("order.done")
    orders.wait_for("message.rejected")
    assert len(collector.spans) == 0
    assert orders.stop() == 0
    handled, rejected = sorted(collector.spans.named(f"process {queue.name}"), key=lambda span: span.error)
    assert (handled.service, handled.trace_id, handled.span_id) == (
        "orders",
        done["trace_id"],
        done["span_id"],
    )
    assert rejected.error == "Reject"
    [dead_letter] = broker.queue(f"{unique}_orders_cmd_dlq").receive()
    assert dead_letter.attributes["blackcat.trace_id"].value == rejected.trace_id
    # Neither idle polls nor heartbeats nor deletes leave any.
    assert {span.name.split()[0] for span in collector.spans} == {"process", "receive"}


def test_an_api_traces_in_each_of_its_server_processes_and_sends_the_last_spans(start, collector):
    api = start("api", API_WORKERS="2", **collector.environment | LATE)
    url = f"http://127.0.0.1:{api.wait_for('api.listening')['port']}"
    body = json.dumps({"amount": 1}).encode()
    for _ in range(4):
        request = urllib.request.Request(f"{url}/orders", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert answer.status == 201
    assert len(collector.spans) == 0
    assert api.stop() == 0
    assert [span.name for span in collector.spans] == ["POST /orders"] * 4
    assert {span.trace_id for span in collector.spans} == {
        line["trace_id"] for line in api.events("request.handled", route="/orders")
    }


def test_a_worker_is_one_span_and_says_whether_it_failed(start, collector):
    job, failing = (start(name, **collector.environment | LATE) for name in ("job", "failing_job"))
    assert job.status() == 0
    assert failing.status() == 1
    assert {(span.name, span.error) for span in collector.spans} == {
        ("run job", ""),
        ("run failing_job", "ValueError"),
    }
    assert job.wait_for("job.done")["trace_id"] == collector.spans.named("run job")[0].trace_id


@pytest.mark.usefixtures("provisioned")
def test_a_collector_that_hangs_holds_no_stop_up_beyond_its_budget(start, broker, unique):
    broker.queue(f"{unique}_orders_cmd").send({"id": 1})
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections and never answers
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        orders = start(
            "orders", TRACING="otlp", OTEL_EXPORTER_OTLP_ENDPOINT=endpoint, SHUTDOWN_TIMEOUT_SECONDS="4"
        )
        orders.wait_for("order.done")
        began = time.monotonic()
        assert orders.stop() == 0
        assert time.monotonic() - began < 20  # a hang of the SDK's would be 30
    assert orders.events("consumer.stopped")
    [lost] = orders.events("tracing.spans_lost")
    assert lost["count"] > 0
    assert not orders.events("service.abandoned")


def test_without_the_extra_a_service_says_what_to_install(start, environment, tmp_path):
    missing = tmp_path / "without" / "opentelemetry"
    missing.mkdir(parents=True)
    (missing / "__init__.py").write_text("raise ModuleNotFoundError(\"No module named 'opentelemetry'\")\n")
    path = f"{missing.parent}:{environment.get('PYTHONPATH', '')}"
    api, without = start("api", TRACING="otlp", PYTHONPATH=path), start("job", PYTHONPATH=path)
    assert api.status() == 78
    line = api.wait_for("service.not_started")
    assert "TRACING=otlp needs an extra: pip install 'blackcat[tracing]'" in line["reason"]
    assert without.status() == 0


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "http/protobuf, not grpc"),
        ({"OTEL_TRACES_SAMPLER": "foo"}, "OTEL_TRACES_SAMPLER is 'foo'"),
        ({"OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "100000"}, "tracing cannot start"),
    ],
)
def test_settings_that_make_no_sense_are_told_at_the_start(start, changes, told):
    process = start("job", TRACING="otlp", **changes)
    assert process.status() == 78
    [line] = process.events("service.not_started")
    assert told in line["reason"]
