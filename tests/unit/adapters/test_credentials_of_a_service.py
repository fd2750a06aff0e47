"""A consumer as a process of its own outlives its credentials, which last a moment; on both transports."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from tests.unit.adapters.aws_standin import AwsStandin, Call, Refusal, aws_standin
from tests.unit.adapters.consumer_process import ConsumerProcess, consumer_process

Start = Callable[..., ConsumerProcess]

A_MOMENT = timedelta(seconds=1)


@pytest.fixture
def standin() -> Iterator[AwsStandin]:
    with aws_standin() as running:
        yield running


@pytest.fixture(params=["boto3", "lean"])
def start(request: pytest.FixtureRequest, standin: AwsStandin, tmp_path: Path) -> Iterator[Start]:
    with ExitStack() as running:
        yield lambda **variables: running.enter_context(
            consumer_process(standin, tmp_path, SQS_TRANSPORT=request.param, **variables)
        )


def polled_with_the_last(standin: AwsStandin, *, since: int) -> bool:
    last = standin.calls[-1]
    return last.service == "sqs" and last.key == f"AKID{standin.given}" and standin.given >= since


def test_a_container_of_ecs(standin: AwsStandin, start: Start) -> None:
    """Not to be had at first; renewed at their end; refused by SQS before it."""
    standin.life = A_MOMENT
    standin.failing = True
    variables = {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{standin.url}/credentials",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN": "Bearer of-the-task",
    }
    service = start(**variables)
    service.until(lambda: "queue.open_failed" in service.log)
    standin.failing = False
    service.until(lambda: len(standin.keys()) >= 2)
    standin.life = timedelta(hours=1)
    lasting = standin.given + 1
    service.until(lambda: polled_with_the_last(standin, since=lasting))
    revoked = standin.calls[-1].key
    failed_before = service.log.count("queue.poll_failed")

    def refuse(call: Call) -> Refusal | None:
        return Refusal("ExpiredToken", "The security token is expired") if call.key == revoked else None

    standin.refuse = refuse
    service.until(lambda: standin.calls[-1].key != revoked)
    service.stop()
    assert service.log.count("queue.poll_failed") == failed_before
    assert "container-role" in service.log
    assert "credentials.renewed" in service.log
    assert set(standin.tokens) == {"Bearer of-the-task"}


def test_a_pod_of_eks(standin: AwsStandin, start: Start, tmp_path: Path) -> None:
    standin.life = A_MOMENT
    token = tmp_path / "token"
    token.write_text("first")
    variables = {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{standin.url}/v1/credentials",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(token),
    }
    service = start(**variables)
    service.until(lambda: standin.keys())
    token.write_text("second")
    service.until(lambda: "second" in standin.tokens)
    renewed = standin.given
    service.until(lambda: polled_with_the_last(standin, since=renewed))
    service.stop()
    assert standin.tokens[0] == "first"


def test_a_role_for_a_service_account(standin: AwsStandin, start: Start, tmp_path: Path) -> None:
    """IRSA: the token is exchanged at STS."""
    standin.life = A_MOMENT
    token = tmp_path / "token"
    token.write_text("first")
    variables = {
        "AWS_ENDPOINT_URL_STS": standin.url,
        "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/orders",
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(token),
    }
    service = start(**variables)
    service.until(lambda: standin.keys())
    token.write_text("second")
    service.until(lambda: "second" in standin.tokens)
    renewed = standin.given
    service.until(lambda: polled_with_the_last(standin, since=renewed))
    service.stop()
    assert standin.tokens[0] == "first"
    assert "assume-role-with-web-identity" in service.log
