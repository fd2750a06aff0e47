"""The topic contract, in memory and on SNS's protocol."""

from __future__ import annotations

import pytest

from blackcat.adapters_aws import AwsOptions, Provisioner, SnsTopic, SqsBroker
from blackcat.application.ports import Queue, Topic
from blackcat.resources import QueueResource, Subscription
from blackcat.testing import InMemoryBroker, InMemoryTopic
from blackcat.testing.contracts import TopicContract
from blackcat.testing.contracts.topic_contract import Connect


class TestInMemoryTopic(TopicContract):
    @pytest.fixture
    def connect(self) -> Connect:
        def connect(subscription: Subscription, resource: QueueResource) -> tuple[Topic, Queue]:
            topic = InMemoryTopic(subscription.topic)
            queue = InMemoryBroker().create(resource)
            topic.subscribe(queue, raw_delivery=subscription.raw_delivery)
            return topic, queue

        return connect


class TestSnsTopic(TopicContract):
    @pytest.fixture
    def connect(self, aws_options: AwsOptions) -> Connect:
        provisioner = Provisioner(aws_options)

        def connect(subscription: Subscription, resource: QueueResource) -> tuple[Topic, Queue]:
            provisioner.create(subscription.topic)
            provisioner.create(resource)
            provisioner.subscribe(resource, [subscription])
            return SnsTopic(subscription.topic.name, aws_options), SqsBroker(aws_options).queue(resource.name)

        return connect
