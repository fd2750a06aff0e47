"""A canary secret, in settings, headers, exception texts and boto's debug output, is in no output at all."""

import urllib.error
import urllib.request

import pytest

from tests.integration.conftest import CANARY, until

pytestmark = pytest.mark.usefixtures("provisioned")

CREDENTIAL = "canary-9b2e-aws-secret-access-key"
LOUD = {"LOG_LEVEL": "DEBUG", "AWS_SECRET_ACCESS_KEY": CREDENTIAL, "AWS_SESSION_TOKEN": f"{CREDENTIAL}-token"}


def test_a_consumer_leaks_nothing(start, broker, unique):
    queue = broker.queue(f"{unique}_orders_cmd")
    queue.send({"id": 1, "fails": 1})
    queue.send({"id": 2, "rejected": f"the key {CANARY} was refused"})
    orders = start("orders", **LOUD)
    orders.wait_for("order.done", order=1)
    orders.wait_for("message.rejected")
    _, report = orders.health()
    assert orders.stop() == 0
    assert "the key *** was refused" in orders.output
    assert "canary" not in orders.output
    assert "canary" not in str(report)
    (letter,) = broker.queue(f"{unique}_orders_cmd_dlq").receive()
    assert letter.attributes["blackcat.reason"].value == "the key *** was refused"


def test_readable_logs_leak_nothing_either(start, broker, unique):
    broker.queue(f"{unique}_orders_cmd").send({"id": 1, "fails": 1})
    orders = start("orders", **LOUD, LOG_FORMAT="console")
    until(lambda: "order.done" in orders.output, "the message to be handled")
    assert orders.stop() == 0
    assert "the key *** was refused" in orders.output
    assert "canary" not in orders.output


def test_an_api_leaks_nothing(start):
    api = start("api", **LOUD)
    port = api.wait_for("api.listening")["port"]
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/leak?key=1",
        headers={"Authorization": "Bearer canary-header", "X-Api-Key": "canary-header", "Cookie": "s=canary"},
    )
    with pytest.raises(urllib.error.HTTPError) as failed:
        urllib.request.urlopen(request)
    assert "canary" not in failed.value.read().decode()
    api.wait_for("request.failed")
    assert api.stop() == 0
    assert "canary" not in api.output
