"""Ctrl-C, SIGTERM and a closed terminal: the first asks dev to stop, the second ends it at once."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequest:
    """Whether dev was asked to stop; ``fileno`` becomes readable with each signal, a child's end too."""

    def __init__(self, wakes: int) -> None:
        self.requested = False
        # While nothing runs yet (the emulator starts, or is installed) there is nothing to wait for.
        self.orderly = False
        self._wakes = wakes

    def fileno(self) -> int:
        return self._wakes

    def clear(self) -> None:
        """Make ``fileno`` unreadable until the next signal."""
        while _read(self._wakes):
            pass

    def handle(self, number: int, frame: FrameType | None) -> None:
        at_once = self.requested or not self.orderly
        self.requested = True
        if at_once:
            for ignored in _SIGNALS:
                signal.signal(ignored, signal.SIG_IGN)
            raise KeyboardInterrupt


@contextmanager
def stop_request() -> Iterator[StopRequest]:
    """Turn the signals into requests meanwhile. The one that ends at once raises KeyboardInterrupt."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    request = StopRequest(reader)
    before = {number: signal.signal(number, request.handle) for number in _heeded()}
    before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
    outer = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    try:
        yield request
    finally:
        signal.set_wakeup_fd(outer)
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(reader)
        os.close(writer)


def _heeded() -> list[signal.Signals]:
    """What nohup ignores stays ignored."""
    return [
        number
        for number in _SIGNALS
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN
    ]


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 4096)
    except BlockingIOError:
        return b""
