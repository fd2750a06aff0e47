"""The smallest Blackcat project: one consumer whose entrypoint is a function."""

from blackcat import Service, ServiceRegistry, ServiceType
from blackcat.resources import TopicResource

payment_started = TopicResource("payment_started")
payment_processed = TopicResource("payment_processed")

services = ServiceRegistry(
    [
        Service(
            name="payment_processor",
            type=ServiceType.CONSUMER,
            entrypoint="processor:process_payment",
            queue_name="process_payment_cmd",
            subscribes=[payment_started],
            uses=[payment_processed.publish()],
        ),
    ],
    container="processor:build_container",
)
