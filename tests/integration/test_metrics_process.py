"""Metrics of real processes: scraped as Prometheus does, and read from the log as CloudWatch does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import urllib.error
import urllib.request
from collections import Counter

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.integration.conftest import until

pytestmark = pytest.mark.usefixtures("provisioned")


@pytest.fixture
def queue(broker, unique):
    return broker.queue(f"{unique}_orders_cmd")


def scraped(port):
    """The samples by name and labels, as Prometheus' own parser reads them."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as answer:
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        families = list(text_string_to_metric_families(answer.read().decode()))
    assert len({family.name for family in families}) == len(families)
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def total(samples, name, **labels):
    return sum(
        value for (its, *found), value in samples.items() if its == name and labels.items() <= set(found)
    )


def test_a_consumer_is_scraped_on_its_health_port(start, queue):
    for number in range(12):
        queue.send({"id": number, "fails": int(number == 0)})
    orders = start("orders", METRICS="prometheus", METRICS_INTERVAL_SECONDS="1", SERVICE_VERSION="1.2.3")
    orders.wait_for("order.done", count=12)
    port = orders.wait_for("health.listening")["port"]
    until(lambda: total(scraped(port), "blackcat_messages_handled_total") == 12, "twelve handled")
    until(lambda: ("blackcat_queue_backlog",) in scraped(port), "the backlog")
    found = scraped(port)
    info = {"service": "orders", "environment": "dev", "version": "1.2.3"}
    assert total(found, "blackcat_service_info", **info) == 1
    assert total(found, "orders_done_total", shop="a") == 12
    assert total(found, "blackcat_messages_retried_total") == 1
    assert total(found, "blackcat_messages_received_total") == 13
    assert total(found, "blackcat_handler_duration_seconds_count") == 13
    assert total(found, "blackcat_queue_age_seconds_count") == 13
    assert total(found, "blackcat_aws_calls_total", aws_operation="ReceiveMessage", outcome="ok") > 0
    assert orders.health()[0] == 200
    assert orders.stop() == 0


def emf_sums(process):
    lines = [json.loads(line) for line in process.output.splitlines() if line.startswith("{")]
    sums = Counter()
    for line in lines:
        for directive in line.get("_aws", {}).get("CloudWatchMetrics", ()):
            assert (line["event"], line["service"]) == ("metrics", directive["Namespace"].lower())
            for metric in directive["Metrics"]:
                value = line[metric["Name"]]
                sums[metric["Name"]] += value["Count"] if isinstance(value, dict) else value
    return sums


def test_a_consumer_writes_what_is_left_at_its_stop(start, queue):
    for number in range(12):
        queue.send({"id": number})
    # At WARNING too: they are no log lines.
    emf = {"METRICS": "emf", "METRICS_NAMESPACE": "Orders", "LOG_LEVEL": "WARNING"}
    orders = start("orders", **emf, METRICS_INTERVAL_SECONDS="1")
    until(lambda: emf_sums(orders)["blackcat_messages_handled"] == 12, "twelve handled")
    queue.send({"id": 12})
    orders.signal()
    assert orders.status() == 0
    sums = emf_sums(orders)
    handled = sums["blackcat_messages_handled"]
    assert handled in (12, 13)
    assert sums["orders_done"] == sums["blackcat_handler_duration_seconds"] == handled


def test_a_worker_writes_its_numbers_however_short_it_is(start):
    job = start("job", METRICS="emf", METRICS_NAMESPACE="Job")
    assert job.status() == 0
    assert emf_sums(job)["blackcat_worker_runs"] == 1


def request(api, path="/orders"):
    url = f"http://127.0.0.1:{api.wait_for('api.listening')['port']}{path}"
    body = urllib.request.Request(url, b'{"amount": 1}', {"Content-Type": "application/json"})
    with urllib.request.urlopen(body, timeout=60) as answer:
        return answer.status


def test_an_api_s_workers_are_summed_and_no_sum_falls_when_one_is_killed(start):
    api = start("api", METRICS="prometheus", API_WORKERS="3")
    port = api.wait_for("metrics.listening")["port"]
    for _ in range(30):
        assert request(api) == 201
    answered = {"route": "/orders", "status": "201"}
    until(lambda: total(scraped(port), "blackcat_http_requests_total", **answered) == 30, "thirty answers")
    listed = subprocess.run(["pgrep", "-P", str(api.process.pid)], capture_output=True, check=True)
    os.kill(int(listed.stdout.split()[0]), signal.SIGKILL)
    for _ in range(10):
        assert total(scraped(port), "blackcat_http_requests_total", **answered) == 30
    for _ in range(5):
        request(api)
    until(lambda: total(scraped(port), "blackcat_http_requests_total", **answered) == 35, "five more")
    found = scraped(port)
    assert total(found, "blackcat_http_request_duration_seconds_count", **answered) == 35
    gauges = [key for key in found if key[0] == "blackcat_http_requests_in_flight"]
    assert all(dict(key[1:]).keys() == {"worker"} for key in gauges)
    assert api.stop() == 0


def test_an_api_s_workers_write_their_own_lines(start):
    api = start("api", METRICS="emf", METRICS_NAMESPACE="Api", API_WORKERS="2")
    for _ in range(10):
        request(api)
    assert api.stop() == 0
    assert emf_sums(api)["blackcat_http_requests"] == 10


def test_metrics_that_are_off_are_not_served(start, queue):
    orders = start("orders")
    port = orders.wait_for("health.listening")["port"]
    with pytest.raises(urllib.error.HTTPError, match="404"):
        scraped(port)


def test_a_namespace_of_aws_s_own_is_refused(start):
    orders = start("orders", METRICS="emf", METRICS_NAMESPACE="AWS/SQS")
    assert orders.status() == 78
    assert "METRICS_NAMESPACE" in orders.wait_for("service.not_started")["reason"]
