"""One message through a consumer's entrypoint."""

from __future__ import annotations

from blackcat.application.entrypoint import ConsumerEntrypoint
from blackcat.application.ports import Decoder
from blackcat.domain.message import Message
from blackcat.domain.outcome import HANDLED, Outcome, Reject, Rejected, Retried, Retry
from blackcat.errors import DecodingError


class MessageHandler:
    """Calls an entrypoint with the decoded payload of a message and says what becomes of the message.

    Whatever the entrypoint raises is in the outcome; a body that cannot be decoded is rejected.
    ``decode`` is None for an entrypoint that takes the raw Message. Exceptions of the
    ``non_retryable`` types reject the message.
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
        return self._handle(payload, message)

    def _handle(self, payload: object, message: Message) -> Outcome:
        arguments = dict(self._entrypoint.injected)
        if self._entrypoint.message_parameter:
            arguments[self._entrypoint.message_parameter] = message
        try:
            self._entrypoint.call(payload, **arguments)
        except Reject as rejection:
            return Rejected(rejection.reason, rejection)
        except Retry as retry:
            return Retried(str(retry), retry, retry.after)
        except self._non_retryable as error:
            return Rejected(described(error), error)
        except BaseException as error:  # SystemExit too: a handler may fail, never end its thread
            return Retried(described(error), error)
        return HANDLED


def described(error: BaseException) -> str:
    """The error in one line, also when its own text fails."""
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:
        return type(error).__name__
