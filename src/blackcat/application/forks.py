"""The end of a process that a handler forked and that came back from it."""

from __future__ import annotations

import os
from typing import NoReturn

from blackcat.application.events import EventLog

log = EventLog("blackcat")


def end_fork(error: BaseException | None = None) -> NoReturn:
    """End this copy of the consumer, which would handle, delete and release its parent's messages.

    Its exit status is that of ``sys.exit`` when it was called, 1 after another ``error``, and else 0.
    Nothing is flushed or cleaned up: buffers and connections are the parent's.
    """
    status = _status(error)
    if isinstance(error, SystemExit):
        log.info("fork.ended", status=status)
    else:
        reason = "it came back from its handler: end it with os._exit()"
        log.warning("fork.ended", error=error, status=status, reason=reason)
    os._exit(status)


def _status(error: BaseException | None) -> int:
    if isinstance(error, SystemExit) and (error.code is None or isinstance(error.code, int)):
        return (error.code or 0) & 0xFF
    return 0 if error is None else 1
