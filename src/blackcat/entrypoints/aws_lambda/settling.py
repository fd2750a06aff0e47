"""What becomes of messages that Lambda received: their return is timed, and what is rejected moves on."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from random import Random
from threading import Lock
from typing import TYPE_CHECKING

from blackcat.application.events import EventLog
from blackcat.domain.message import Message
from blackcat.domain.outcome import Handled, Outcome
from blackcat.domain.service import Service
from blackcat.errors import RemoteError
from blackcat.infra.redaction import redactor

if TYPE_CHECKING:
    from blackcat.application.consumer.settlement import Settlement
    from blackcat.application.ports import Broker

log = EventLog("blackcat.consumer")

# Who has just failed to open a queue is not asked again for each message of a batch.
_PAUSE_SECONDS = 5.0
# The book of leases is empty here: Lambda's poller holds the messages, and nothing extends them.
_UNUSED = timedelta(0)
_NOT_OPENED = "messages come back when their visibility timeout is over, and none is dead-lettered here"


class Settling:
    """The consumer's own settlement, opened once there is something to settle: what is handled costs no call.

    A message that cannot be settled comes back when its visibility timeout is over.
    """

    def __init__(self, service: Service, *, version: str, broker: Callable[[], Broker]) -> None:
        self._service = service
        self._version = version
        self._broker = broker
        self._lock = Lock()
        self._opened: dict[str, Settlement] = {}
        self._resting_until = 0.0

    def settle(self, queue: str, message: Message, outcome: Outcome) -> bool:
        """Whether the message is done; Lambda deletes what is."""
        if isinstance(outcome, Handled):
            return True
        if not message.receipt or not queue:
            log.warning(
                "message.not_settled", message_id=message.id, reason="its record tells no receipt or ARN"
            )
            return False
        settlement = self._settlement(queue)
        return settlement is not None and settlement.settle(message, outcome)

    def release(self, queue: str, messages: Sequence[Message]) -> None:
        """Let them come back at once."""
        held = [message for message in messages if message.receipt]
        settlement = self._settlement(queue) if held and queue else None
        if settlement is not None:
            settlement.release(held)

    def _settlement(self, queue: str) -> Settlement | None:
        if (opened := self._opened.get(queue)) is not None:
            return opened
        # Who opens a queue that does not answer holds nobody up for longer.
        if not self._lock.acquire(timeout=_PAUSE_SECONDS):
            return None
        try:
            if queue not in self._opened and time.monotonic() >= self._resting_until:
                self._opened[queue] = self._open(queue)
        except RemoteError as error:
            self._resting_until = time.monotonic() + _PAUSE_SECONDS
            log.error("queue.not_opened", error=error, queue=queue, reason=_NOT_OPENED)
        finally:
            self._lock.release()
        return self._opened.get(queue)

    def _open(self, queue: str) -> Settlement:
        # Only what does not go well pays for boto3.
        from blackcat.application.clock import SystemClock
        from blackcat.application.consumer.leases import LeaseBook
        from blackcat.application.consumer.settlement import Settlement

        found = self._broker()
        dead_letters = found.describe(queue).dead_letter_queue
        return Settlement(
            service=self._service.name,
            version=self._version,
            queue=found.queue(queue),
            dead_letters=found.queue(dead_letters) if dead_letters else None,
            leases=LeaseBook(visibility=_UNUSED, longest=_UNUSED, clock=SystemClock()),
            acknowledge=lambda message: None,
            retry=self._service.retry,
            random=Random(),
            redact=redactor.text,
        )
