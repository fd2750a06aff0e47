"""A handler that does what its message says, and writes down that it did."""

import json
import os
import signal
import time
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from blackcat import Message, Reject, Retry

HISTORY = os.open(os.environ["CHAOS_HISTORY"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
CLIENT = os.environ["AWS_ACCESS_KEY_ID"]
# While this file is there, what the handlers depend on is down.
OUTAGE = Path(os.environ["CHAOS_OUTAGE"])


@dataclass
class Task:
    """What to do at each attempt, the last one again and again; and when to die, at the first one."""

    seconds: float = 0
    attempts: list[str] = field(default_factory=lambda: ["ok"])
    dies: str = ""
    key: str = ""


def perform(task: Task, message: Message) -> None:
    step = task.attempts[min(message.receive_count, len(task.attempts)) - 1]
    record("began", message)
    die(task, message, "began")
    time.sleep(task.seconds)
    if step == "ok" and OUTAGE.exists():
        step = "raise"
    record("ended", message, outcome=step)
    die(task, message, "ended")
    if step == "raise":
        raise RuntimeError("as the message says")
    if step == "retry":
        raise Retry("as the message says", after=timedelta(seconds=1))
    if step == "reject":
        raise Reject("as the message says")


def record(kind: str, message: Message, **fields: str) -> None:
    event = {
        "at": time.monotonic(),
        "kind": kind,
        "client": CLIENT,
        "message": message.id,
        "label": message.attributes["label"].value,
        "group": message.group_id,
        "receipt": message.receipt,
        "count": message.receive_count,
        **fields,
    }
    # One write to a file opened for appending: lines of several threads and processes do not mix.
    os.write(HISTORY, f"{json.dumps(event)}\n".encode())


def die(task: Task, message: Message, moment: str) -> None:
    if task.dies == moment and message.receive_count == 1:
        os.kill(os.getpid(), signal.SIGKILL)
