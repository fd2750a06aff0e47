"""Whether a queue's policy lets a topic, or a rule of an event bus, send."""

from __future__ import annotations

import pytest

from blackcat.application.doctor.queue_policy import EVENT_BRIDGE, SNS, lets_send
from unit.application.doctor.accounts import allowing

TOPIC = "arn:aws:sns:us-east-1:123456789012:order_placed"
RULE = "arn:aws:events:us-east-1:123456789012:rule/shop/orders_evt"
QUEUE = "arn:aws:sqs:us-east-1:123456789012:orders_evt"


def statement(**changes):
    return {**allowing(TOPIC, QUEUE)["Statement"][0], **changes}


def judged(*statements):
    return lets_send({"Statement": list(statements)}, SNS, source_arn=TOPIC, queue_arn=QUEUE)


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
    assert lets_send({"Statement": statement()}, SNS, source_arn=TOPIC, queue_arn=QUEUE)
    assert not lets_send({}, SNS, source_arn=TOPIC, queue_arn=QUEUE)


def test_each_service_is_admitted_for_itself():
    def admits(policy, service, source):
        return lets_send(policy, service, source_arn=source, queue_arn=QUEUE)

    for_rule, for_topic = allowing(RULE, QUEUE, EVENT_BRIDGE), allowing(TOPIC, QUEUE, SNS)
    assert admits(for_rule, EVENT_BRIDGE, RULE)
    assert not admits(for_rule, SNS, TOPIC)
    assert not admits(for_topic, EVENT_BRIDGE, RULE)
    assert not admits(for_rule, EVENT_BRIDGE, RULE + "_other")
    both = {"Statement": for_rule["Statement"] + for_topic["Statement"]}
    assert admits(both, EVENT_BRIDGE, RULE)
    assert admits(both, SNS, TOPIC)
    denied = {"Statement": [*both["Statement"], statement(Effect="Deny", Condition={})]}
    assert admits(denied, EVENT_BRIDGE, RULE)
    assert not admits(denied, SNS, TOPIC)
