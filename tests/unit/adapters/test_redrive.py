"""What SQS does to a whole queue: no emulator has its moves, so its replies are written down here."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import pytest
from tests.unit.adapters.conftest import ScriptedServer, reply

from blackcat.adapters_aws import AwsOptions, Provisioner, SqsBroker
from blackcat.adapters_aws.destination import destination
from blackcat.adapters_aws.redrive import SqsMoveTasks, purge
from blackcat.application.redrive.move_tasks import MoveTask
from blackcat.errors import InvalidRequest, PermanentError, QueueNotFound
from blackcat.infra.emulator import Emulator
from blackcat.resources import QueueResource

IDENTITY = (
    '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
    "<Account>123456789012</Account></GetCallerIdentityResult>"
    "<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
)
DEAD, TARGET = (f"arn:aws:sqs:eu-west-1:123456789012:{name}" for name in ("orders_dlq", "orders"))


@pytest.fixture
def scripted(server: ScriptedServer, emulator: Emulator) -> AwsOptions:
    """Options that lead to the scripted server; the emulator gives the credentials."""
    server.replies.append(reply(IDENTITY))
    return AwsOptions(region="eu-west-1", endpoint_url=server.url)


def test_a_move_names_both_queues_and_the_rate(server: ScriptedServer, scripted: AwsOptions) -> None:
    server.replies.append(reply({"TaskHandle": "h-1"}))
    assert SqsMoveTasks(scripted).start("orders_dlq", "orders", per_second=10) == "h-1"
    request = server.requests[-1]
    assert request.headers["x-amz-target"] == "AmazonSQS.StartMessageMoveTask"
    assert request.json == {
        "SourceArn": DEAD,
        "DestinationArn": TARGET,
        "MaxNumberOfMessagesPerSecond": 10,
    }


def test_without_a_rate_sqs_chooses_it(server: ScriptedServer, scripted: AwsOptions) -> None:
    server.replies.append(reply({"TaskHandle": "h-1"}))
    SqsMoveTasks(scripted).start("orders_dlq", "orders", per_second=None)
    assert server.requests[-1].json == {"SourceArn": DEAD, "DestinationArn": TARGET}


def test_the_newest_move_is_read(server: ScriptedServer, scripted: AwsOptions) -> None:
    first = {
        "Status": "RUNNING",
        "TaskHandle": "h",
        "SourceArn": DEAD,
        "ApproximateNumberOfMessagesToMove": 7,
    }
    failed = {
        **first,
        "Status": "FAILED",
        "ApproximateNumberOfMessagesMoved": 3,
        "FailureReason": "AccessDenied",
    }
    server.replies += [reply({"Results": [first]}), reply({"Results": [failed]})]
    tasks = SqsMoveTasks(scripted)
    assert tasks.latest("orders_dlq") == MoveTask("RUNNING", 0, 7)
    assert tasks.latest("orders_dlq") == MoveTask("FAILED", 3, 7, "AccessDenied")
    assert server.requests[-1].json == {"SourceArn": DEAD, "MaxResults": 1}


def test_a_move_is_cancelled_by_its_handle(server: ScriptedServer, scripted: AwsOptions) -> None:
    server.replies.clear()
    server.replies.append(reply({"ApproximateNumberOfMessagesMoved": 3}))
    SqsMoveTasks(scripted).cancel("orders_dlq", "h-1")
    assert server.requests[-1].json == {"TaskHandle": "h-1"}


def test_a_second_move_at_the_same_time_is_refused(server: ScriptedServer, scripted: AwsOptions) -> None:
    there_is_one = {"__type": "com.amazonaws.sqs#UnsupportedOperation", "message": "There is already a task"}
    server.replies.append(reply(there_is_one, status=400))
    with pytest.raises(InvalidRequest, match="There is already a task"):
        SqsMoveTasks(scripted).start("orders_dlq", "orders", per_second=10)


def test_the_emulator_has_no_moves_which_is_a_permanent_error(aws_options: AwsOptions, unique: str) -> None:
    Provisioner(aws_options).create(QueueResource(unique))
    with pytest.raises(PermanentError):
        SqsMoveTasks(aws_options).start(f"{unique}_dlq", unique, per_second=10)


def test_a_purge_empties_the_queue(aws_options: AwsOptions, unique: str) -> None:
    Provisioner(aws_options).create(QueueResource(unique))
    broker = SqsBroker(aws_options)
    broker.queue(unique).send("m")
    purge(unique, replace(aws_options, dry_run=True))
    assert broker.depth(unique).total == 1
    purge(unique, aws_options)
    assert broker.depth(unique).total == 0


def test_a_purge_of_a_missing_queue_names_it(aws_options: AwsOptions, unique: str) -> None:
    with pytest.raises(QueueNotFound, match=unique):
        purge(unique, aws_options)


def test_a_destination_is_the_address_of_an_emulator(aws_options: AwsOptions) -> None:
    assert destination("sqs", aws_options) == f"at {aws_options.endpoint_url}"
    assert destination("sqs", replace(aws_options, sqs_transport="lean")) == f"at {aws_options.endpoint_url}"


def test_a_destination_in_aws_names_account_and_region(server: ScriptedServer) -> None:
    server.replies.append(reply(IDENTITY))
    program = (
        "from blackcat.adapters_aws import AwsOptions\n"
        "from blackcat.adapters_aws.destination import destination\n"
        "print(destination('sqs', AwsOptions(region='eu-west-1')))"
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    credentials = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**kept, **credentials, "AWS_ENDPOINT_URL_STS": server.url},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "in AWS account 123456789012, region eu-west-1\n"
