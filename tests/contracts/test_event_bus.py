"""The event bus contract, in memory and on EventBridge's protocol."""

from __future__ import annotations

import pytest

from blackcat.adapters_aws import AwsOptions, EventBridgeBus, Provisioner, SqsBroker
from blackcat.application.ports import EventBus, Queue
from blackcat.resources import BusRule, QueueResource
from blackcat.testing import InMemoryBroker, InMemoryEventBus
from blackcat.testing.contracts import EventBusContract
from blackcat.testing.contracts.event_bus_contract import Connect


class TestInMemoryEventBus(EventBusContract):
    @pytest.fixture
    def connect(self) -> Connect:
        def connect(rule: BusRule, resource: QueueResource) -> tuple[EventBus, Queue]:
            bus = InMemoryEventBus(rule.bus)
            queue = InMemoryBroker().create(resource)
            bus.subscribe(queue, rule)
            return bus, queue

        return connect


class TestEventBridgeBus(EventBusContract):
    @pytest.fixture
    def connect(self, aws_options: AwsOptions) -> Connect:
        provisioner = Provisioner(aws_options)

        def connect(rule: BusRule, resource: QueueResource) -> tuple[EventBus, Queue]:
            provisioner.create(rule.bus)
            provisioner.create(resource)
            provisioner.subscribe(resource, [rule])
            return EventBridgeBus(rule.bus.name, aws_options), SqsBroker(aws_options).queue(resource.name)

        return connect
