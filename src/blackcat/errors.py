"""Every error that Blackcat raises, in one tree.

Catch the broadest class that you can act on::

    BlackcatError
    ├── ConfigurationError          nothing was started; exit status 78
    │   ├── InvalidDeclaration      a service, resource or registry that could never work
    │   ├── UnknownService          SERVICE_NAME names no service of the registry
    │   ├── EntrypointError         an import string leads nowhere, or to something that cannot be called
    │   ├── InjectionError          the container does not bind what an entrypoint needs
    │   ├── SettingsError           settings are missing or wrong (all of them at once)
    │   ├── ProjectError            the command line finds no project, or one that does not load
    │   ├── InvalidName             a name that Python, SQS or a project could not take
    │   ├── NotUnderstood           a file that the generator cannot edit safely
    │   ├── InvalidSecret           a secret is not what is asked of it: no JSON, no such key, binary
    │   ├── InvalidMigration        migrations that do not fit each other, or the database's history
    │   └── InvalidPackage          a Lambda package that breaks a limit, holds a secret or cannot be built
    ├── EncodingError               a payload has no faithful JSON
    ├── DecodingError               a body is not what its annotation says
    ├── InvalidMessage              a message that no queue or topic would accept
    ├── InvalidEvent                an event that Lambda gave lacks a field, or has one that makes no sense
    │   └── UnknownEvent            an event of a source that the function does not take
    ├── InvalidItem                 an item that a table cannot hold without changing it
    ├── MetricError                 a metric, label or value that no backend could keep
    ├── MigrationFailed             a statement of a migration; nothing of that migration was kept
    ├── RolloutFailed               a version of a Lambda function was not rolled out; its alias did not move
    │   ├── SmokeFailed             the version was invoked, and did not answer as it should
    │   └── Overtaken               another rollout changed the function, or its alias, at the same time
    ├── ServiceFailed               a running service ended because a part of it failed; exit status 1
    ├── EmulatorError               the local AWS emulator does not install or start
    └── RemoteError                 a call to AWS failed, or to RabbitMQ, or to a database
        ├── TransientError          the same call may succeed later
        │   ├── Throttled
        │   ├── Unreachable         no answer: network, DNS, timeout
        │   ├── ServiceUnavailable  an answer in the 500s
        │   ├── PoolExhausted       all connections to a database were in use for too long
        │   └── StatementTimeout    a database ended a statement that took too long
        └── PermanentError          the same call will fail again
            ├── AccessDenied        credentials, or the permissions of the role
            ├── NotFound
            │   ├── QueueNotFound
            │   ├── TopicNotFound
            │   ├── TableNotFound
            │   ├── BusNotFound
            │   ├── SecretNotFound
            │   └── FunctionNotFound
            ├── ConditionFailed     another writer came first
            │   └── TransactionCanceled   so nothing of the transaction was written
            ├── ReceiptExpired      the message is no longer ours: its visibility timeout ran out
            └── InvalidRequest      the request was refused as it is

Whatever was raised by a vendor's library is the ``__cause__``.
"""

from __future__ import annotations

from collections.abc import Mapping


class BlackcatError(Exception):
    """The root of all errors that Blackcat raises."""


class ConfigurationError(BlackcatError):
    """The service cannot start as it is configured; the process exits with status 78."""


class InvalidDeclaration(ConfigurationError):
    """A service, resource or registry was declared in a way that could never work."""


class UnknownService(ConfigurationError):
    """SERVICE_NAME is not set, or names no service of the registry."""


class EntrypointError(ConfigurationError):
    """An import string leads nowhere, or to something that Blackcat cannot call."""


class InjectionError(ConfigurationError):
    """The container does not bind a type that an entrypoint needs."""


class SettingsError(ConfigurationError):
    """Settings are missing or wrong; the message names each variable and its fix, never a secret."""


class ProjectError(ConfigurationError):
    """The command line finds no project here, or one whose registry does not load."""


class InvalidName(ConfigurationError):
    """A name that Python, SQS or a project could not take; the message says which would do."""


class NotUnderstood(ConfigurationError):
    """A file is written in a way that cannot be edited safely; what it lacks is to be added by hand."""


class InvalidSecret(ConfigurationError):
    """A secret is not what is asked of it; the message names the secret and the key, never a value."""


class InvalidMigration(ConfigurationError):
    """Migrations do not fit each other, or what the database remembers of them; nothing was applied."""


class InvalidPackage(ConfigurationError):
    """What would go to Lambda breaks one of its limits, holds a secret, or cannot be built."""


class EncodingError(BlackcatError):
    """A payload cannot be sent: it has no faithful JSON."""


class DecodingError(BlackcatError):
    """A body cannot be decoded as its annotation says.

    ``fields`` tells what is wrong with each field; it is empty when the body is not JSON at all. No value
    is told, unless a validator of your own raises a text that holds one: it is told as it is.
    """

    def __init__(self, detail: str, *, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.fields = dict(fields or {})


class InvalidMessage(BlackcatError):
    """A message breaks a limit of its queue or topic; nothing was sent."""


class InvalidEvent(BlackcatError):
    """An event that Lambda gave lacks a field, or has one that makes no sense; the text names it."""


class UnknownEvent(InvalidEvent):
    """An event of a source that the function does not take; the text says which it does."""


class InvalidItem(BlackcatError):
    """An item holds a value that a table cannot store without changing it; nothing was written."""


class MetricError(BlackcatError, ValueError):
    """A metric, a label or a value that no backend could keep; the text says what to write instead."""


class MigrationFailed(BlackcatError):
    """A statement of a migration failed, and nothing of that migration was kept; those before it stay."""


class RolloutFailed(BlackcatError):
    """A new version of a Lambda function was not rolled out; its alias is where it was."""


class SmokeFailed(RolloutFailed):
    """The new version was invoked, and did not answer as it should."""


class Overtaken(RolloutFailed):
    """Another rollout changed the function, or moved its alias, at the same time; run it again."""


class ServiceFailed(BlackcatError):
    """A running service ended because a part of it failed, which is the ``__cause__``."""


class EmulatorError(BlackcatError):
    """The local AWS emulator cannot be installed or started."""


class RemoteError(BlackcatError):
    """A call to AWS failed, to RabbitMQ where queues live there, or to a database.

    ``transient`` tells whether the same call may succeed later. ``code`` is the service's own error code,
    ``request_id`` what AWS support asks for; both are empty when no answer came.
    """

    transient = False

    def __init__(
        self,
        detail: str,
        *,
        service: str = "",
        operation: str = "",
        resource: str = "",
        code: str = "",
        request_id: str = "",
    ) -> None:
        self.detail = detail
        self.service = service
        self.operation = operation
        self.resource = resource
        self.code = code
        self.request_id = request_id
        super().__init__(detail)

    def __str__(self) -> str:
        where = " ".join(part for part in (self.service, self.operation) if part)
        target = f" on '{self.resource}'" if self.resource else ""
        what = f" ({self.code})" if self.code else ""
        return f"{where}{target}{what}: {self.detail}" if where else self.detail

    def fields(self) -> dict[str, str | bool]:
        """What a log line should carry of this error."""
        named = {
            "aws_service": self.service,
            "aws_operation": self.operation,
            "aws_resource": self.resource,
            "aws_error_code": self.code,
            "aws_request_id": self.request_id,
        }
        return {**{name: value for name, value in named.items() if value}, "transient": self.transient}


class TransientError(RemoteError):
    """The call failed, and the same call may succeed later."""

    transient = True


class Throttled(TransientError):
    """The service asked to slow down."""


class Unreachable(TransientError):
    """No answer came: network, DNS, a closed port or a timeout."""


class ServiceUnavailable(TransientError):
    """The service answered with an error of its own (in AWS: status 500 and above)."""


class PoolExhausted(TransientError):
    """All connections to a database were in use for too long; the text tells by whom, and since when."""


class StatementTimeout(TransientError):
    """A database ended a statement that took longer than the pool's ``statement_timeout``."""


class PermanentError(RemoteError):
    """The call failed, and the same call will fail again until something is changed."""


class AccessDenied(PermanentError):
    """No credentials, expired or wrong ones, or a role that lacks the permission."""


class NotFound(PermanentError):
    """The named resource does not exist in this account and region."""


class QueueNotFound(NotFound):
    """The named queue does not exist in this account and region."""


class TopicNotFound(NotFound):
    """The named topic does not exist in this account and region."""


class TableNotFound(NotFound):
    """The named table does not exist in this account and region."""


class BusNotFound(NotFound):
    """The named event bus does not exist in this account and region."""


class SecretNotFound(NotFound):
    """The named secret, or this version of it, does not exist in this account and region."""


class FunctionNotFound(NotFound):
    """The named Lambda function, or this version of it, does not exist in this account and region."""


class ConditionFailed(PermanentError):
    """The item was changed by another writer since it was read; read it again and decide anew."""


class TransactionCanceled(ConditionFailed):
    """A condition of a transaction did not hold, so nothing of it was written.

    ``failures`` has the error of each write that failed, by its position in the call.
    """

    def __init__(self, detail: str, *, failures: Mapping[int, RemoteError], **call: str) -> None:
        super().__init__(detail, **call)
        self.failures = dict(failures)


class ReceiptExpired(PermanentError):
    """The receipt is no longer valid: the message's visibility timeout ran out, or it was deleted."""


class InvalidRequest(PermanentError):
    """The request was refused as it is."""
