"""Gunicorn's master, which replaces spent workers once others serve in their place."""

from __future__ import annotations

import os
import signal
from typing import Any

from gunicorn.arbiter import Arbiter
from gunicorn.errors import HaltServer

from blackcat.application.events import EventLog

log = EventLog("blackcat.api")


class RecyclingArbiter(Arbiter):
    """A master that keeps as many workers serving as configured, while spent ones are replaced."""

    def reap_workers(self) -> None:
        """Gunicorn ends with a worker whose status says that it could not boot, though it had served."""
        before: dict[int, Any] = dict(self.WORKERS)
        try:
            super().reap_workers()
        except HaltServer:
            gone = {pid: worker for pid, worker in before.items() if not _is_running(pid)}
            if not all(worker.serves.is_set() for worker in gone.values()):
                raise
            for pid, worker in gone.items():
                self.WORKERS.pop(pid, None)
                worker.tmp.close()
            self.reap_workers()

    def kill_workers(self, sig: int) -> None:
        if sig == signal.SIGKILL:
            for pid in self.WORKERS:
                log.error(
                    "worker.killed", worker=pid, reason="it did not end within SHUTDOWN_TIMEOUT_SECONDS"
                )
        super().kill_workers(sig)

    def manage_workers(self) -> None:
        workers: list[Any] = list(self.WORKERS.values())  # RecyclingWorkers, all of them
        spent = [worker for worker in workers if worker.is_spent.is_set()]
        fresh = [worker for worker in workers if not worker.is_spent.is_set() and worker.serves.is_set()]
        in_service = [worker for worker in spent if not worker.is_retired.is_set()]
        spare = len(fresh) + len(in_service) - self.cfg.workers
        for worker in in_service[: max(0, spare)]:
            worker.is_retired.set()
        self.num_workers = self.cfg.workers + len(spent)
        super().manage_workers()


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
