"""Adapters in memory and a clock to test with; ``blackcat.testing.contracts`` tests adapters themselves."""

from blackcat.testing.buses import InMemoryEventBus
from blackcat.testing.clock import FrozenClock
from blackcat.testing.draining import Drained, drained
from blackcat.testing.functions import InMemoryAliases, InMemoryFunctions, InMemoryLayers
from blackcat.testing.metrics import InMemoryMetrics
from blackcat.testing.processes import ServiceProcess
from blackcat.testing.queues import InMemoryBroker, InMemoryQueue
from blackcat.testing.secrets import InMemorySecretStore
from blackcat.testing.tables import InMemoryTable
from blackcat.testing.topics import InMemoryTopic
from blackcat.testing.transactions import InMemoryTransactions

__all__ = [
    "Drained",
    "FrozenClock",
    "InMemoryAliases",
    "InMemoryBroker",
    "InMemoryEventBus",
    "InMemoryFunctions",
    "InMemoryLayers",
    "InMemoryMetrics",
    "InMemoryQueue",
    "InMemorySecretStore",
    "InMemoryTable",
    "InMemoryTopic",
    "InMemoryTransactions",
    "ServiceProcess",
    "drained",
]
