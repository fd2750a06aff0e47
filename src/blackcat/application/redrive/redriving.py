"""Dead letters sent back to their queue."""

from __future__ import annotations

from collections.abc import Sequence

from blackcat.application.ports import Queue
from blackcat.application.redrive.dead_letter import redriven_copy
from blackcat.application.redrive.removal import Failure, Secured
from blackcat.application.redrive.sweep import Sweep
from blackcat.domain.message import Message
from blackcat.domain.outgoing import OutgoingMessage, for_queue
from blackcat.errors import InvalidMessage
from blackcat.resources import FIFO_SUFFIX


class SendBack:
    """Secures dead letters by sending a copy of each to ``target``, as their sender wrote them.

    Raises RemoteError when none of them could be sent.
    """

    def __init__(self, target: Queue, sweep: Sweep) -> None:
        self._target = target
        self._fifo = target.name.endswith(FIFO_SUFFIX)
        self._sweep = sweep

    def __call__(self, messages: Sequence[Message]) -> Secured:
        copies: list[tuple[Message, OutgoingMessage]] = []
        failures: list[Failure] = []
        for message in messages:
            try:
                copy = for_queue(redriven_copy(message, fifo=self._fifo), self._target.name)
            except InvalidMessage as error:
                failures.append(Failure(message.id, str(error)))
            else:
                copies.append((message, copy))
        result = self._target.send_batch([copy for _, copy in copies])
        self._sweep.ours(result.succeeded.values())
        failures += [Failure(copies[one.index][0].id, one.reason or one.code) for one in result.failed]
        return Secured([copies[index][0] for index in sorted(result.succeeded)], failures)
