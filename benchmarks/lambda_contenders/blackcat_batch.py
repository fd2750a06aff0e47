from blackcat import Service, ServiceType, lambda_handler


def handle(order: dict) -> None:
    """Decoded it is."""


handler = lambda_handler(
    Service(name="orders", type=ServiceType.CONSUMER, entrypoint=handle, queue_name="orders")
)
