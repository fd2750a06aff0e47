"""Whether a queue's policy lets a topic send."""

from __future__ import annotations

import pytest

from blackcat.application.doctor.queue_policy import lets_send
from unit.application.doctor.accounts import allowing

TOPIC = "arn:aws:sns:us-east-1:123456789012:order_placed"
QUEUE = "arn:aws:sqs:us-east-1:123456789012:orders_evt"


def statement(**changes):
    return {**allowing(TOPIC, QUEUE)["Statement"][0], **changes}


def judged(*statements):
    return lets_send({"Statement": list(statements)}, topic_arn=TOPIC, queue_arn=QUEUE)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"Action": ["SQS:sendmessage"]},
        {"Action": "sqs:*"},
        {"Action": "*"},
        {"Resource": "*"},
        {"Resource": QUEUE[:-3] + "*"},
        {"Principal": "*"},
        {"Principal": {"AWS": "*"}},
        {"Principal": {"Service": ["events.amazonaws.com", "sns.amazonaws.com"]}},
        {"Condition": {"ArnLike": {"AWS:SourceArn": ["arn:aws:sns:*:*:order_*"]}}},
        {"Condition": {"StringEquals": {"aws:SourceAccount": "123456789012"}}},
        {"Condition": {"Bool": {"aws:SecureTransport": "true"}}},
        {"Condition": {}},
    ],
)
def test_a_statement_that_admits_the_topic(changes):
    assert judged(statement(**changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"Effect": "Deny"},
        {"Action": "sqs:ReceiveMessage"},
        {"Action": []},
        {"Resource": QUEUE + "_other"},
        {"Principal": {"Service": "events.amazonaws.com"}},
        {"Principal": {"AWS": "arn:aws:iam::123456789012:root"}},
        {"Principal": None},
        {"Condition": {"ArnEquals": {"aws:SourceArn": TOPIC + "_other"}}},
        {"Condition": {"StringEquals": {"aws:SourceAccount": "999999999999"}}},
    ],
)
def test_a_statement_that_does_not(changes):
    assert not judged(statement(**changes))


def test_a_denial_without_condition_goes_before_any_admission():
    assert not judged(statement(), statement(Effect="Deny", Condition={}))
    insecure = {"Bool": {"aws:SecureTransport": "false"}}
    assert judged(statement(), statement(Effect="Deny", Principal="*", Condition=insecure))


def test_a_single_statement_may_stand_without_its_list():
    assert lets_send({"Statement": statement()}, topic_arn=TOPIC, queue_arn=QUEUE)
    assert not lets_send({}, topic_arn=TOPIC, queue_arn=QUEUE)
