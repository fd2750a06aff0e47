from datetime import timedelta

from blackcat import Service, ServiceRegistry, ServiceType


def worker(name, job, **options):
    return Service(name=name, type=ServiceType.WORKER, entrypoint=f"jobs:{job}", **options)


services = ServiceRegistry(
    [
        worker("patient", "until_stopped"),
        worker("bounded", "until_stopped", deadline=timedelta(milliseconds=200)),
        worker("deaf", "deaf", deadline=timedelta(milliseconds=200)),
        worker("littering", "littering"),
        worker("brief", "brief", exclusive=True),
        worker(
            "alone", "until_stopped", exclusive=True, schedule="cron(0 3 * * ? *)", timezone="Europe/Lisbon"
        ),
    ]
)
