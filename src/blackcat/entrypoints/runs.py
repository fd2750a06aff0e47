"""A service's worker, ready for one run."""

from __future__ import annotations

import os
import socket
from datetime import datetime, timedelta

from blackcat.application.clock import SystemClock
from blackcat.application.lock import TableLock
from blackcat.application.worker.worker import Worker
from blackcat.domain.service import Service
from blackcat.infra.settings.configuration import Settings


def worker_of(service: Service, settings: Settings, scheduled_at: datetime | None = None) -> Worker:
    """The service's worker, with its lock if it is exclusive; nothing is called yet."""
    return Worker(
        clock=SystemClock(),
        deadline=service.deadline,
        lock=_lock(service, settings),
        scheduled_at=scheduled_at or settings.worker_scheduled_at,
    )


def _lock(service: Service, settings: Settings) -> TableLock | None:
    if service.lock is None:
        return None
    # A worker without a lock does not pay for boto3.
    from blackcat.entrypoints.connections import table

    return TableLock(
        table=table(service.lock, settings),
        name=service.name,
        holder=f"{socket.gethostname()} (process {os.getpid()})",
        lease=timedelta(seconds=settings.worker_lease_seconds),
        clock=SystemClock(),
    )
