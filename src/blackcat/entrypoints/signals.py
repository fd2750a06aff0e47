"""SIGTERM and SIGINT: the first asks to stop, the second ends the process at once."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from types import FrameType
from typing import NoReturn

from blackcat.application.events import EventLog
from blackcat.application.shutdown import Shutdown
from blackcat.entrypoints.exit_status import DONE, FAILED

log = EventLog("blackcat")

# Nobody may be taking what is logged; the end does not wait for it.
_LAST_LINE_SECONDS = 1.0
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def end_at_signals() -> None:
    """While a service is still being imported and built, a signal ends the process: nothing has begun.

    As process 1 of a container it would otherwise not even be noticed.
    """
    for number in _SIGNALS:
        signal.signal(number, lambda *_: sys.exit(DONE))


def end_at_once(number: int) -> NoReturn:
    """End the process without finishing anything, at a second signal."""
    # In a thread: the signal may have come in the middle of another line, whose lock is taken.
    line = Thread(
        target=log.error,
        args=("service.ended_by_second_signal",),
        kwargs={"signal": signal.Signals(number).name},
        daemon=True,
    )
    line.start()
    line.join(_LAST_LINE_SECONDS)
    os._exit(FAILED)


@contextmanager
def stop_signals(shutdown: Shutdown) -> Iterator[None]:
    """Turn the signals into requests of ``shutdown`` meanwhile; only in the main thread."""
    received = 0
    owner = os.getpid()

    def handle(number: int, _: FrameType | None) -> None:
        nonlocal received
        if os.getpid() != owner:  # a child that a handler forked: the signal means the child
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        received += 1
        if received > 1:
            end_at_once(number)
        shutdown.request(signal.Signals(number).name)

    before = {number: signal.signal(number, handle) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
