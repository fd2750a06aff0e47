"""Adapters in memory and a clock to test with; ``blackcat.testing.contracts`` tests adapters themselves."""

from blackcat.testing.clock import FrozenClock
from blackcat.testing.queues import InMemoryBroker, InMemoryQueue
from blackcat.testing.tables import InMemoryTable
from blackcat.testing.topics import InMemoryTopic

__all__ = ["FrozenClock", "InMemoryBroker", "InMemoryQueue", "InMemoryTable", "InMemoryTopic"]
