"""RabbitMQ behind the ports Broker and Queue; the only package that imports pika.

Install it with ``pip install "blackcat[rabbitmq]"``.
"""

import logging

from blackcat.adapters_rabbitmq.connection import RabbitOptions
from blackcat.adapters_rabbitmq.rabbitmq import RabbitBroker, RabbitProvisioner, RabbitQueue

__all__ = ["RabbitBroker", "RabbitOptions", "RabbitProvisioner", "RabbitQueue"]

# It logs, as warnings and errors with tracebacks, what it also raises: our errors carry it on.
logging.getLogger("pika").setLevel(logging.CRITICAL)
