"""What the contract does not say of SQS."""

from __future__ import annotations

from datetime import timedelta

import pytest

from blackcat.adapters_aws import AwsOptions, Provisioner, SqsBroker
from blackcat.adapters_aws.calls import AwsCalls
from blackcat.application.ports import Visibility
from blackcat.errors import QueueNotFound
from blackcat.resources import QueueResource


def test_a_queue_made_again_is_found_again(aws_options: AwsOptions, unique: str) -> None:
    provisioner, queue = Provisioner(aws_options), SqsBroker(aws_options).queue(unique)
    provisioner.create(QueueResource(unique))
    queue.send("x")
    calls = AwsCalls("sqs", aws_options)
    url = calls.read("GetQueueUrl", unique, QueueName=unique)["QueueUrl"]
    calls.read("DeleteQueue", unique, QueueUrl=url)
    for _ in range(2):
        with pytest.raises(QueueNotFound):
            queue.send("x")
    provisioner.create(QueueResource(unique))
    assert queue.send("x")


def test_a_name_has_one_queue(aws_options: AwsOptions) -> None:
    broker = SqsBroker(aws_options)
    assert broker.queue("a") is broker.queue("a")
    assert broker.queue("a") is not broker.queue("b")


def test_a_part_of_a_second_counts_as_a_whole_one(aws_options: AwsOptions, unique: str) -> None:
    Provisioner(aws_options).create(QueueResource(unique))
    broker = SqsBroker(aws_options)
    queue = broker.queue(unique)
    queue.send("x", delay=timedelta(milliseconds=1))
    assert broker.depth(unique).delayed == 1
    (message,) = queue.receive(wait=timedelta(seconds=5))
    queue.extend([Visibility(message.receipt, timedelta(milliseconds=1))])
    assert broker.depth(unique).in_flight == 1
