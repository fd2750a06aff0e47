"""What every adapter must do, as pytest classes to inherit.

An adapter of your own is one that another can be replaced with when it passes its suite::

    class TestMyQueue(QueueContract):
        @pytest.fixture
        def broker(self): ...

        @pytest.fixture
        def create(self): ...

Each class tells which fixtures it needs. Import them from here, not from the modules, so that pytest
explains failed assertions.
"""

import pytest

pytest.register_assert_rewrite(
    f"{__name__}.event_bus_contract",
    f"{__name__}.functions_contract",
    f"{__name__}.idempotency_contract",
    f"{__name__}.metrics_contract",
    f"{__name__}.queue_contract",
    f"{__name__}.secret_store_contract",
    f"{__name__}.table_contract",
    f"{__name__}.topic_contract",
    f"{__name__}.transactions_contract",
)

from blackcat.testing.contracts.event_bus_contract import EventBusContract  # noqa: E402 - after the lines above
from blackcat.testing.contracts.functions_contract import FunctionsContract  # noqa: E402
from blackcat.testing.contracts.idempotency_contract import IdempotencyContract  # noqa: E402
from blackcat.testing.contracts.metrics_contract import MetricsContract  # noqa: E402
from blackcat.testing.contracts.queue_contract import QueueContract  # noqa: E402
from blackcat.testing.contracts.secret_store_contract import SecretStoreContract  # noqa: E402
from blackcat.testing.contracts.table_contract import TableContract  # noqa: E402
from blackcat.testing.contracts.topic_contract import TopicContract  # noqa: E402
from blackcat.testing.contracts.transactions_contract import TransactionsContract  # noqa: E402

__all__ = [
    "EventBusContract",
    "FunctionsContract",
    "IdempotencyContract",
    "MetricsContract",
    "QueueContract",
    "SecretStoreContract",
    "TableContract",
    "TopicContract",
    "TransactionsContract",
]
