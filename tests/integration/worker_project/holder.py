"""Takes the lock that its arguments name, again and again, and writes under it: for test_lock_processes."""

from __future__ import annotations

import os
import sys
import time
from datetime import timedelta

from blackcat.adapters_aws import AwsOptions, DynamoTable
from blackcat.application.clock import SystemClock
from blackcat.application.lock import TableLock
from blackcat.application.shutdown import Shutdown
from blackcat.application.worker.run import Run
from blackcat.application.worker.worker import Worker
from blackcat.errors import ConditionFailed
from blackcat.resources import TableResource

STEPS = 20


def main(url: str, region: str, locks: str, name: str) -> None:
    table = DynamoTable(TableResource(locks, key="name"), AwsOptions(region=region, endpoint_url=url))
    clock = SystemClock()
    lock = TableLock(table=table, name=name, holder=f"{os.getpid()}", lease=timedelta(seconds=1), clock=clock)
    while True:
        shutdown = Shutdown(budget=timedelta(seconds=25), clock=clock)
        Worker(clock=clock, lock=lock).run(lambda run: write(table, name, run), shutdown)
        time.sleep(0.01)


def write(table: DynamoTable, name: str, run: Run) -> None:
    token = run.fencing_token or 0
    print("began", token, flush=True)
    for _ in range(STEPS):
        time.sleep(0.01)
        found = table.get({"name": f"{name}/data"}) or {"version": 0, "tokens": []}
        if found["tokens"] and found["tokens"][-1] > token:
            print("refused", token, flush=True)
            return
        if found["tokens"][-1:] != [token]:
            found["tokens"].append(token)
        try:
            table.save({**found, "name": f"{name}/data"}, version=found["version"])
        except ConditionFailed:
            print("contended", token, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
