"""What pika raises, as Blackcat's errors."""

from __future__ import annotations

import socket

from pika import exceptions

from blackcat.errors import (
    AccessDenied,
    InvalidRequest,
    NotFound,
    QueueNotFound,
    RemoteError,
    ServiceUnavailable,
    TransientError,
    Unreachable,
)

SERVICE = "rabbitmq"

NOT_FOUND = 404
# Reply codes of AMQP 0-9-1: https://www.rabbitmq.com/docs/channels#error-handling
_CODES: dict[int, type[RemoteError]] = {
    403: AccessDenied,
    405: TransientError,  # locked by another connection
    406: InvalidRequest,
    506: TransientError,  # a resource alarm
    541: ServiceUnavailable,
}
_ADVICE = {
    403: "give the user of RABBITMQ_URL the permission that the broker names",
    NOT_FOUND: "create it first: RabbitProvisioner(options).create(resource)",
    406: "a queue keeps the attributes that it was created with: delete it, or declare it as it is",
}

# What a connection that cannot be made or kept raises; pika lets some of it through as it is.
CONNECTION_ERRORS = (exceptions.AMQPError, socket.gaierror, OSError)


def translated(
    error: Exception, operation: str, resource: str, missing: type[NotFound] = QueueNotFound
) -> RemoteError:
    """The error that callers act on; the vendor's belongs into its ``__cause__``."""
    if isinstance(error, exceptions.ChannelClosedByBroker):
        return _refused(error, operation, resource, missing)
    kind, detail, code = _known(error)
    return kind(detail, service=SERVICE, operation=operation, resource=resource, code=code)


def _refused(
    error: exceptions.ChannelClosedByBroker, operation: str, resource: str, missing: type[NotFound]
) -> RemoteError:
    kind = missing if error.reply_code == NOT_FOUND else _CODES.get(error.reply_code, InvalidRequest)
    advice = _ADVICE.get(error.reply_code)
    detail = f"{error.reply_text}; {advice}" if advice else error.reply_text
    return kind(detail, service=SERVICE, operation=operation, resource=resource, code=str(error.reply_code))


def _known(error: Exception) -> tuple[type[RemoteError], str, str]:
    name = type(error).__name__
    if isinstance(error, exceptions.UnroutableError):
        return QueueNotFound, _ADVICE[NOT_FOUND], "NoRoute"
    if isinstance(error, exceptions.NackError):
        return ServiceUnavailable, "the broker did not confirm the message: send it again", name
    if isinstance(
        error,
        exceptions.ProbableAuthenticationError
        | exceptions.AuthenticationError
        | exceptions.ProbableAccessDeniedError,
    ):
        return AccessDenied, "check the user, the password and the virtual host of RABBITMQ_URL", name
    return Unreachable, f"no connection to the broker ({str(error) or name}): check RABBITMQ_URL", name
