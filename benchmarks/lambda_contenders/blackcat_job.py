from blackcat import Service, ServiceType, lambda_handler


def job() -> None:
    """Done."""


handler = lambda_handler(Service(name="nightly", type=ServiceType.WORKER, entrypoint=job))
