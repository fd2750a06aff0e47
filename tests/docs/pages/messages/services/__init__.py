"""Every service and resource of the project, declared once. SERVICE_NAME picks the one that runs."""

from datetime import timedelta

from blackcat import Service, ServiceRegistry, ServiceType
from blackcat.resources import QueueResource, TableIndex, TableResource, TopicResource

payments_by_status = TableIndex("payments_by_status", key="status", sort_key="created_at")
payments = TableResource("payments", key="payment_id", indexes=[payments_by_status])
start_payment_cmd = QueueResource("start_payment_cmd", max_receive_count=5)
payment_started = TopicResource("payment_started")
payment_processed = TopicResource("payment_processed")

# Entrypoints are import strings: a process loads its own service only, never what the others need.
services = ServiceRegistry(
    [
        Service(
            name="start_payment",
            type=ServiceType.CONSUMER,
            entrypoint="payment.entrypoints.interfaces.consumers.start_payment_command_consumer:StartPaymentCommandConsumer",
            queue_name="start_payment_cmd",
            uses=[payments.read_write(), payment_started.publish()],
        ),
        Service(
            name="payment_processed",
            type=ServiceType.CONSUMER,
            entrypoint="payment.entrypoints.interfaces.consumers.payment_processed_event_consumer:PaymentProcessedEventConsumer",
            queue_name="payment_processed_evt",
            subscribes=[payment_processed],
            uses=[payments.read_write()],
        ),
        Service(
            name="expire_pending_payments",
            type=ServiceType.WORKER,
            entrypoint="payment.entrypoints.interfaces.worker.expire_pending_payments_worker:ExpirePendingPaymentsWorker",
            schedule="rate(5 minutes)",
            deadline=timedelta(minutes=4),
            exclusive=True,
            uses=[payments.read_write()],
        ),
        Service(
            name="payment_api",
            type=ServiceType.REST_API,
            endpoint_module="payment.entrypoints.interfaces.api.rest_api",
            uses=[payments.read(), start_payment_cmd.send()],
        ),
        Service(
            name="orders",
            type=ServiceType.CONSUMER,
            entrypoint="payment.orders:handle",
            queue_name="orders",
            uses=[QueueResource("orders.fifo").send()],
        ),
    ],
    container="payment.infra.container:build_container",
)
