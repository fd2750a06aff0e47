"""RabbitMQ behind the ports Broker, Queue and Topic; the only package that imports pika.

Install it with ``pip install "blackcat[rabbitmq]"``.
"""

import logging

from blackcat.adapters_rabbitmq.connection import RabbitOptions
from blackcat.adapters_rabbitmq.filters import bindings
from blackcat.adapters_rabbitmq.provisioning import RabbitProvisioner, provision
from blackcat.adapters_rabbitmq.rabbitmq import RabbitBroker, RabbitQueue
from blackcat.adapters_rabbitmq.topics import RabbitTopic

__all__ = [
    "RabbitBroker",
    "RabbitOptions",
    "RabbitProvisioner",
    "RabbitQueue",
    "RabbitTopic",
    "bindings",
    "provision",
]

# It logs, as warnings and errors with tracebacks, what it also raises: our errors carry it on.
logging.getLogger("pika").setLevel(logging.CRITICAL)
