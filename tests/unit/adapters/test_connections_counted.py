"""One session, one client, few connections: counted, for every service and both transports."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.adapters.aws_standin import AwsStandin, aws_standin, call_every_service
from tests.unit.adapters.consumer_process import consumer_process

SERVICES = ["sts", "sqs", "sns", "dynamodb", "events", "secretsmanager", "ssm"]


@pytest.fixture
def standin() -> Iterator[AwsStandin]:
    with aws_standin() as running:
        yield running


@pytest.mark.parametrize("threads", [1, 8])
def test_what_calls_cost(standin: AwsStandin, threads: int) -> None:
    told = call_every_service(threads, 20, AWS_ENDPOINT_URL=standin.url)
    assert all(problems == [""] for problems in told["problems"].values())
    assert told["alive"] == {"session": 1} | dict.fromkeys(SERVICES, 1)
    assert told["warnings"] == []  # urllib3 warns when its pool is full
    counted = Counter(call.service for call in standin.calls if call.operation != "GetQueueUrl")
    assert counted["sns"] == counted["dynamodb"] == threads * 20
    # SQS was called by botocore's client and by the lean transport, and by a forked child: it neither uses
    # its parent's connections nor spoils them.
    assert (told["child"], told["after the fork"]) == (0, "")
    assert standin.connections.pop("sqs") - 2 <= 2 * threads
    assert set(standin.connections) | {"sqs"} == set(SERVICES)
    assert max(standin.connections.values()) <= threads


@pytest.mark.parametrize("transport", ["boto3", "lean"])
def test_a_busy_consumer_has_connections_enough(standin: AwsStandin, tmp_path: Path, transport: str) -> None:
    variables = {
        "SQS_TRANSPORT": transport,
        "CONSUMER_CONCURRENCY": "8",
        "LOG_LEVEL": "WARNING",
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
    }
    with consumer_process(standin, tmp_path, **variables) as service:
        service.until(lambda: sum(call.operation == "SendMessage" for call in standin.calls) >= 500)
        service.stop()
        assert service.log == ""
    assert standin.connections["sqs"] <= 8 + 10
