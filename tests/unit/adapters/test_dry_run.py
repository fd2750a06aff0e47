"""In a dry run, writes are logged, and nothing is sent."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta

import pytest

from blackcat.adapters_aws import AwsOptions, DynamoTable, Provisioner, SnsTopic, SqsBroker
from blackcat.application.ports import Visibility
from blackcat.domain.outgoing import OutgoingMessage
from blackcat.errors import ConfigurationError, InvalidMessage
from blackcat.resources import QueueResource, TableResource, TopicResource

SECRET = "canary-4711"


@pytest.fixture
def dry(aws_options: AwsOptions) -> AwsOptions:
    return replace(aws_options, dry_run=True)


def _logged(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    assert SECRET not in caplog.text
    fields = [vars(record)["fields"] for record in caplog.records if record.message == "aws.dry_run"]
    assert SECRET not in str(fields)
    return fields


def test_a_queue_keeps_what_it_holds(
    aws_options: AwsOptions, dry: AwsOptions, unique: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    Provisioner(aws_options).create(QueueResource(unique))
    real, queue = SqsBroker(aws_options).queue(unique), SqsBroker(dry).queue(unique)
    real.send("kept")
    (message,) = queue.receive()
    assert queue.send(SECRET) == "dry-run"
    assert len(queue.send_batch(OutgoingMessage(SECRET) for _ in range(12)).succeeded) == 12
    assert queue.delete([message.receipt]).succeeded == {0: message.receipt}
    assert queue.extend([Visibility(message.receipt, timedelta(0))]).failed == ()
    assert SqsBroker(dry).depth(unique).total == 1
    logged = _logged(caplog)
    assert [fields["aws_operation"] for fields in logged] == [
        "SendMessage",
        "SendMessageBatch",
        "SendMessageBatch",
        "DeleteMessageBatch",
        "ChangeMessageVisibilityBatch",
    ]
    assert logged[0] == {
        "aws_service": "sqs",
        "aws_operation": "SendMessage",
        "aws_resource": unique,
        "parameters": ["MessageBody", "QueueUrl"],
    }


def test_a_topic_is_not_published_to(
    aws_options: AwsOptions, dry: AwsOptions, unique: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    topic, queue = TopicResource(unique), QueueResource(unique)
    provisioner = Provisioner(aws_options)
    provisioner.create(topic)
    provisioner.create(queue)
    provisioner.subscribe(queue, [topic.subscription()])
    assert SnsTopic(unique, dry).publish(SECRET) == "dry-run"
    assert SnsTopic(unique, dry).publish_batch([OutgoingMessage(SECRET)]).succeeded == {0: "dry-run"}
    assert list(SqsBroker(aws_options).queue(unique).receive()) == []
    assert [fields["aws_operation"] for fields in _logged(caplog)] == ["Publish", "PublishBatch"]


def test_a_table_stays_as_it_is(
    aws_options: AwsOptions, dry: AwsOptions, unique: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    resource = TableResource(unique, key="id")
    Provisioner(aws_options).create(resource)
    DynamoTable(resource, aws_options).save({"id": "1"})
    table = DynamoTable(resource, dry)
    assert table.save({"id": "2", "name": SECRET}, version=0) == 1
    table.delete({"id": "1"})
    assert table.get({"id": "1"}) == {"id": "1"}
    assert table.get({"id": "2"}) is None
    assert [fields["aws_operation"] for fields in _logged(caplog)] == ["PutItem", "DeleteItem"]


def test_what_would_be_refused_is_refused(dry: AwsOptions) -> None:
    with pytest.raises(InvalidMessage):
        SqsBroker(dry).queue("orders.fifo").send("x")


def test_nothing_can_be_provisioned(dry: AwsOptions) -> None:
    with pytest.raises(ConfigurationError, match="AWS_DRY_RUN"):
        Provisioner(dry)
