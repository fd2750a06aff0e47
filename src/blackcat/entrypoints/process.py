"""A consumer or worker as a process, which ends within its budget once it is asked to stop."""

from __future__ import annotations

import gc
import logging
import os
import threading
import time
from collections.abc import Callable

from blackcat.application.clock import SystemClock
from blackcat.application.events import EventLog
from blackcat.application.metrics import metrics
from blackcat.application.shutdown import Shutdown
from blackcat.application.tracing import tracing
from blackcat.entrypoints.platform import container_memory
from blackcat.entrypoints.signals import stop_signals
from blackcat.entrypoints.traces import FLUSH_SECONDS
from blackcat.errors import ServiceFailed
from blackcat.infra.platform.container_memory import watched_memory
from blackcat.infra.settings.configuration import Settings

log = EventLog("blackcat")

_LAST_METRICS_SECONDS = 1.0


def run_in_process(
    serve: Callable[[Shutdown], int],
    settings: Settings,
    *,
    abandoned: int,
    on_abandoned: Callable[[], None] = lambda: None,
) -> int:
    """Run ``serve`` in a thread of its own and return its exit status, or raise what it raises.

    The main thread only watches: whatever hangs (a container, a call, a handler), the process ends when
    SHUTDOWN_TIMEOUT_SECONDS have passed since the request to stop, with the status ``abandoned``. Threads
    that the project left behind have as long, from the end of ``serve`` if nobody asked to stop.
    """
    gc.freeze()  # what is loaded by now stays: collections that look through it stop all threads for 20 ms
    shutdown = Shutdown(budget=settings.shutdown_timeout, clock=SystemClock())
    result: list[int] = []
    failure: list[BaseException] = []

    def work() -> None:
        try:
            result.append(serve(shutdown))
        except BaseException as error:
            failure.append(error)
        finally:
            shutdown.wake()

    with stop_signals(shutdown), watched_memory(container_memory()):
        threading.Thread(target=work, name="service", daemon=True).start()
        if not shutdown.watch(lambda: bool(result or failure)):
            log.error("service.abandoned", reason="the shutdown budget ran out")
            on_abandoned()
            _end_at_once(abandoned)
        tracing.close(min(FLUSH_SECONDS, shutdown.remaining()))
        if failure:
            raise _told(failure[0])
        _wait_for_threads_left_behind(shutdown, result[0])
    return result[0]


def _told(failure: BaseException) -> BaseException:
    """What to raise: a SystemExit of the project's own must not pass for success."""
    if isinstance(failure, Exception):
        return failure
    told = ServiceFailed(f"the project's code raised {failure!r}")
    told.__cause__ = failure
    return told


def _wait_for_threads_left_behind(shutdown: Shutdown, status: int) -> None:
    """The interpreter would wait for them without end: here they have what is left, or a whole budget."""
    deadline = time.monotonic() + shutdown.remaining()
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join(max(0.0, deadline - time.monotonic()))
            if thread.is_alive():
                log.warning("thread.left_behind", thread=thread.name)
                _end_at_once(status)


def _end_at_once(status: int) -> None:
    # What a project watches may hang as well.
    last = threading.Thread(target=metrics.flush, daemon=True)
    last.start()
    last.join(_LAST_METRICS_SECONDS)
    logging.shutdown()
    os._exit(status)
