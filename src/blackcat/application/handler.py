"""One message through a consumer's entrypoint."""

from __future__ import annotations

import inspect
import os
from collections.abc import Coroutine

from blackcat.application.entrypoint import ConsumerEntrypoint
from blackcat.application.forks import end_fork
from blackcat.application.ports import Decoder
from blackcat.domain.message import Message
from blackcat.domain.outcome import HANDLED, Deferred, Outcome, Reject, Rejected, Retried, Retry
from blackcat.errors import DecodingError


class MessageHandler:
    """Calls an entrypoint with the decoded payload of a message and says what becomes of the message.

    Whatever the entrypoint raises is in the outcome; a body that cannot be decoded is rejected.
    ``decode`` is None for an entrypoint that takes the raw Message. Exceptions of the
    ``non_retryable`` types reject the message. A process that the entrypoint forks ends with the call.
    """

    def __init__(
        self,
        entrypoint: ConsumerEntrypoint,
        decode: Decoder | None,
        non_retryable: tuple[type[Exception], ...] = (),
    ) -> None:
        self._entrypoint = entrypoint
        self._decode = decode
        self._non_retryable = non_retryable

    def __call__(self, message: Message) -> Outcome:
        try:
            payload = message if self._decode is None else self._decode(message.body)
        except DecodingError as error:
            return Rejected(f"the body cannot be decoded: {error}", error)
        except BaseException as error:  # out of memory, say: it tells nothing about the body
            return Retried(described(error), error)
        return self._handle(payload, message)

    def _handle(self, payload: object, message: Message) -> Outcome:
        process = os.getpid()
        try:
            self._call(payload, message)
        except BaseException as error:  # SystemExit too: a handler may fail, never end its thread
            if os.getpid() != process:
                end_fork(error)
            return self._failed(error)
        if os.getpid() != process:
            end_fork()
        return HANDLED

    def _call(self, payload: object, message: Message) -> None:
        arguments = dict(self._entrypoint.injected)
        if self._entrypoint.message_parameter:
            arguments[self._entrypoint.message_parameter] = message
        returned = self._entrypoint.call(payload, **arguments)
        if returned is not None:
            _refuse_what_was_not_done(returned)

    def _failed(self, error: BaseException) -> Outcome:
        if isinstance(error, Reject):
            return Rejected(error.reason, error)
        if isinstance(error, Retry):
            return Retried(str(error), error, error.after)
        if isinstance(error, self._non_retryable):
            return Rejected(described(error), error)
        return Retried(described(error), error)


def described(error: BaseException) -> str:
    """The error in one line, also when its own text fails."""
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:
        return type(error).__name__


def _refuse_what_was_not_done(returned: object) -> None:
    """Code that waits to be run, or a decision that waits to be raised, is no handled message."""
    kind = type(returned).__name__
    if isinstance(returned, Coroutine):
        returned.close()  # or Python warns that it was never awaited, which the error says better
    if inspect.isawaitable(returned) or inspect.isgenerator(returned) or inspect.isasyncgen(returned):
        raise TypeError(f"the handler returned a {kind}, which runs nothing: write it without async or yield")
    if isinstance(returned, BaseException | Retried | Rejected | Deferred):
        raise TypeError(f"the handler returned {kind} instead of raising it: raise Retry, Reject or an error")
