"""The numbers of calls to AWS, of both transports."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.unit.adapters.conftest import REGION, ScriptedServer, reply

from blackcat.adapters_aws import AwsOptions
from blackcat.adapters_aws.calls import AwsCalls
from blackcat.errors import QueueNotFound, ServiceUnavailable, Throttled
from blackcat.infra.emulator import Emulator
from blackcat.testing import InMemoryMetrics

URL = "https://sqs.eu-west-1.amazonaws.com/123456789012/orders"
THROTTLED = reply({"__type": "com.amazonaws.sqs#RequestThrottled", "message": "No."}, status=403)
NOT_FOUND = reply({"__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": "No."}, status=400)
GOOD = reply({"Messages": []})


@pytest.fixture
def recorded() -> Iterator[InMemoryMetrics]:
    with InMemoryMetrics() as metrics:
        yield metrics


@pytest.fixture(params=["boto3", "lean"])
def calls(request: pytest.FixtureRequest, server: ScriptedServer, emulator: Emulator) -> AwsCalls:
    return AwsCalls("sqs", AwsOptions(region=REGION, endpoint_url=server.url, sqs_transport=request.param))


def receive(calls: AwsCalls) -> None:
    calls.read("ReceiveMessage", "orders", QueueUrl=URL)


CALL = {"aws_service": "sqs", "aws_operation": "ReceiveMessage"}


def test_a_call_is_counted_with_its_outcome(
    calls: AwsCalls, server: ScriptedServer, recorded: InMemoryMetrics
) -> None:
    server.replies += [GOOD, NOT_FOUND, reply("{}", request_id=None)]
    receive(calls)
    with pytest.raises(QueueNotFound):
        receive(calls)
    with pytest.raises(ServiceUnavailable):
        receive(calls)
    assert recorded.counted("blackcat_aws_calls", **CALL, outcome="ok") == 1
    assert recorded.counted("blackcat_aws_calls", **CALL, outcome="failed") == 2
    assert recorded.counted("blackcat_aws_retries") == recorded.counted("blackcat_aws_throttles") == 0


def test_each_throttled_attempt_is_counted_also_where_the_next_one_succeeds(
    calls: AwsCalls, server: ScriptedServer, recorded: InMemoryMetrics
) -> None:
    server.replies += [THROTTLED, GOOD, THROTTLED, THROTTLED, THROTTLED, THROTTLED, THROTTLED]
    receive(calls)
    assert recorded.counted("blackcat_aws_throttles", **CALL) == 1
    assert recorded.counted("blackcat_aws_retries", **CALL) == 1
    with pytest.raises(Throttled):
        receive(calls)
    assert recorded.counted("blackcat_aws_calls", **CALL, outcome="throttled") == 1
    assert recorded.counted("blackcat_aws_throttles", **CALL) > 2


def test_without_metrics_calls_go_on(calls: AwsCalls, server: ScriptedServer) -> None:
    server.replies += [THROTTLED, GOOD]
    receive(calls)
    assert len(server.requests) == 2
