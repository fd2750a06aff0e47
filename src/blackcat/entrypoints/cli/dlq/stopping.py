"""Ctrl-C while messages are held: the first ends the run after the batch at hand, the second at once.

A receive that is cut off would leave its messages hidden, a send one that is there twice.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_SAID = b"\nstopping after this batch; Ctrl-C again ends at once\n"


@contextmanager
def stops_between_batches() -> Iterator[Callable[[], bool]]:
    """Yields whether a signal asked to stop; only in the main thread."""
    asked = False

    def stop(number: int, _: FrameType | None) -> None:
        nonlocal asked
        if asked:
            os._exit(128 + number)
        asked = True
        os.write(2, _SAID)  # a buffered write may be under way in the code that was interrupted

    before = {number: signal.signal(number, stop) for number in _SIGNALS}
    try:
        yield lambda: asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
