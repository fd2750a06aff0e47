"""What the workers of the tests do: they tell it in their logs."""

import os
import threading
import time
from datetime import timedelta

from blackcat import Run
from blackcat.application.events import EventLog

log = EventLog("jobs")


def until_stopped(run: Run) -> None:
    log.info("job.began", fencing=run.fencing_token, scheduled_at=run.scheduled_at)
    while run.wait(timedelta(milliseconds=50)):
        pass
    log.info("job.stopped_safely")


def brief(run: Run) -> None:
    log.info("job.began", fencing=run.fencing_token)
    if os.environ.get("FAIL"):
        raise ValueError("nothing to do")


def deaf() -> None:
    log.info("job.began")
    time.sleep(600)


def littering() -> None:
    threading.Thread(target=time.sleep, args=(600,), name="left behind", daemon=False).start()
    log.info("job.began")
