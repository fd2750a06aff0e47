"""The one way to AWS: every call is translated here, and in a dry run every write stops here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore import xform_name

from blackcat.adapters_aws.call_metrics import count_answered, count_failed
from blackcat.adapters_aws.clients import AwsOptions, client, credentials_renewable
from blackcat.adapters_aws.errors import AWS_ERRORS, not_from_aws, translated
from blackcat.adapters_aws.spans import call_span, is_traced, told_by, with_trace
from blackcat.application.events import EventLog
from blackcat.application.tracing import tracing

Response = dict[str, Any]

# Logged for each call, at DEBUG: with LOG_LEVEL=DEBUG a service tells what it asks of AWS.
CALLED = "aws.called"

Watcher = Callable[[str, str, str], None]
"""Is told of a call before it is made: the service, the operation and the resource."""

watchers: list[Watcher] = []

log = EventLog(__name__)


class AwsCalls:
    """The calls to one AWS service.

    Operations are named as in AWS's API reference (``SendMessage``); ``resource`` is the name that
    errors and logs show. Raises RemoteError; errors are logged where they are handled, not here.
    """

    def __init__(self, service: str, options: AwsOptions) -> None:
        self.service = service
        self.options = options

    def read(self, operation: str, resource: str, **parameters: Any) -> Response:
        for watcher in watchers:
            watcher(self.service, operation, resource)
        log.debug(CALLED, aws_service=self.service, aws_operation=operation, aws_resource=resource)
        if tracing.enabled and is_traced(operation):
            with call_span(self.service, operation, resource, parameters) as span:
                response = self._answer(operation, resource, with_trace(operation, parameters))
                span.set(told_by(response))
                return response
        return self._answer(operation, resource, parameters)

    def write(self, operation: str, resource: str, *, dry: Response, **parameters: Any) -> Response:
        """The call, or with ``dry_run`` a log line and the response ``dry``."""
        if not self.options.dry_run:
            return self.read(operation, resource, **parameters)
        # The names only: values are message bodies and items.
        log.info(
            "aws.dry_run",
            aws_service=self.service,
            aws_operation=operation,
            aws_resource=resource,
            parameters=sorted(parameters),
        )
        return dry

    def _answer(self, operation: str, resource: str, parameters: dict[str, Any]) -> Response:
        call = getattr(client(self.service, self.options), xform_name(operation))
        try:
            response: Response = call(**parameters)
        except AWS_ERRORS as error:
            failure = translated(
                error,
                service=self.service,
                operation=operation,
                resource=resource,
                renewable=credentials_renewable(),
            )
            count_failed(self.service, operation, failure)
            raise failure from error
        if "RequestId" not in response["ResponseMetadata"]:
            # botocore takes any JSON, and any page that answers 200, for an empty response.
            failure = not_from_aws(service=self.service, operation=operation, resource=resource)
            count_failed(self.service, operation, failure)
            raise failure
        count_answered(self.service, operation, response)
        return response
