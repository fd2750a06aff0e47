"""Checks of topics and subscriptions in AWS against their declaration."""

from __future__ import annotations

import json

from blackcat.application.doctor import rules
from blackcat.application.doctor.account import Account, DescribedSubscription
from blackcat.application.doctor.examination import Results
from blackcat.application.doctor.queue_policy import SNS, lets_send
from blackcat.application.doctor.reading import read
from blackcat.domain.findings import Unchecked
from blackcat.errors import NotFound, RemoteError
from blackcat.resources import QueueResource, Subscription, TopicResource

_BY_ATTRIBUTES = "MessageAttributes"


def topic_in_aws(topic: TopicResource, account: Account) -> Results:
    """The topic, which is there and as it was declared."""
    subject = f"topic '{topic.name}'"
    actual = yield from read(subject, lambda: account.topic(topic), rules.TOPIC_MISSING)
    if actual and topic.fifo and actual.content_based_deduplication != topic.content_based_deduplication:
        yield rules.DEDUPLICATION_DIFFERS.found(
            subject, f"in AWS it is {actual.content_based_deduplication}, declared is the opposite"
        )


def subscription_in_aws(queue: QueueResource, subscription: Subscription, account: Account) -> Results:
    """The subscription, which is there, as it was declared, and admitted by the queue."""
    yield from _subscription(queue, subscription, account)
    try:
        target, source = account.queue(queue), account.topic(subscription.topic)
    except NotFound:
        return  # told by the checks of the queue and the topic
    except RemoteError as error:
        yield Unchecked(f"policy of queue '{queue.name}'", str(error))
        return
    if not lets_send(target.policy, SNS, source_arn=source.arn, queue_arn=target.arn):
        yield rules.TOPIC_MAY_NOT_SEND.found(
            f"queue '{queue.name}'", f"its policy does not admit topic '{subscription.topic.name}'"
        )


def _subscription(queue: QueueResource, declared: Subscription, account: Account) -> Results:
    subject = f"subscription of '{queue.name}' to '{declared.topic.name}'"
    try:
        actual = account.subscription(declared.topic, queue)
    except NotFound:
        return  # told by the check of the topic
    except RemoteError as error:
        yield Unchecked(subject, str(error))
        return
    if actual is None:
        yield rules.SUBSCRIPTION_MISSING.found(subject, "there is none")
    elif not actual.confirmed:
        yield rules.SUBSCRIPTION_PENDING.found(subject, "it waits for its confirmation")
    else:
        yield from _differences(subject, declared, actual)


def _differences(subject: str, declared: Subscription, actual: DescribedSubscription) -> Results:
    if actual.raw_delivery != declared.raw_delivery:
        yield rules.RAW_DELIVERY_DIFFERS.found(
            subject, f"in AWS it is {_onoff(actual.raw_delivery)}, declared {_onoff(declared.raw_delivery)}"
        )
    # As AWS keeps it: in JSON.
    wanted = json.loads(json.dumps(declared.filter_policy or {}))
    if actual.filter_policy != wanted:
        yield rules.FILTER_DIFFERS.found(
            subject, f"in AWS it is {json.dumps(actual.filter_policy)}, declared {json.dumps(wanted)}"
        )
    elif wanted and actual.scope != _BY_ATTRIBUTES:
        yield rules.FILTER_DIFFERS.found(
            subject, f"in AWS it looks at {actual.scope}, declared is {_BY_ATTRIBUTES}"
        )


def _onoff(flag: bool) -> str:
    return "on" if flag else "off"
