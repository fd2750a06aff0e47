"""What was not begun goes back to its queue, for as long as there is time: no answer waits for SQS."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import copy_context
from threading import Event, Thread

from blackcat.application.events import EventLog
from blackcat.domain.message import Message

log = EventLog("blackcat.consumer")

Release = Callable[[Sequence[Message]], None]

# One call takes as many: whoever gives up loses no more than one call.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibilityBatch.html
_AT_ONCE = 10
_NOT_RELEASED = "they come back when their visibility timeout is over"


def release_within(seconds: float, release: Release, messages: Sequence[Message]) -> None:
    """Give ``release`` ten of the messages at a time, the last received first, for no longer than that.

    The last go first, so that a FIFO group keeps its order. Whatever fails, or takes too long, is logged.
    """
    giving_back = _GivingBack(release, messages)
    try:
        Thread(target=copy_context().run, args=[giving_back.run], name="release", daemon=True).start()
    except RuntimeError as error:  # no further thread may be started
        log.warning("messages.not_released", error=error, count=len(messages), reason=_NOT_RELEASED)
        return
    giving_back.wait(seconds)


class _GivingBack:
    def __init__(self, release: Release, messages: Sequence[Message]) -> None:
        self._release = release
        self._left = list(messages)
        self._ended = Event()
        self._given_up = Event()

    def run(self) -> None:
        try:
            # Once the answer is out the messages may be somebody else's.
            while self._left and not self._given_up.is_set():
                self._release(self._left[-_AT_ONCE:])
                del self._left[-_AT_ONCE:]
        except Exception as error:
            log.warning("messages.not_released", error=error, count=len(self._left), reason=_NOT_RELEASED)
        finally:
            self._ended.set()

    def wait(self, seconds: float) -> None:
        if not self._ended.wait(seconds):
            self._given_up.set()
            log.warning("messages.not_released", count=len(self._left), reason=_NOT_RELEASED)
