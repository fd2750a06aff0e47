"""What is tried again, and when: botocore's own decisions, asked for as its endpoints ask.

https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError
from botocore.hooks import HierarchicalEmitter, first_non_none_response
from botocore.model import OperationModel, ServiceModel
from botocore.retries.standard import register_retry_handler

# As much of it as the policy looks at: none of SQS's errors is modelled as worth another attempt.
_SQS = ServiceModel({"metadata": {"serviceId": "SQS"}}, "sqs")


class Retries:
    """The retry policy of a botocore client for SQS, its quota included, without the client."""

    def __init__(self, *, max_attempts: int, sleep: Callable[[float], None]) -> None:
        self.events = HierarchicalEmitter()
        # All that is asked of a client here.
        client: Any = SimpleNamespace(meta=SimpleNamespace(events=self.events, service_model=_SQS))
        register_retry_handler(client, max_attempts)
        self.sleep = sleep
        self.strained = False

    def of(self, operation: str) -> Attempts:
        return Attempts(self, operation)


class Attempts:
    """The attempts of one call."""

    def __init__(self, retries: Retries, operation: str) -> None:
        self._retries = retries
        self._operation = operation
        self._model = OperationModel({}, _SQS, operation)
        self._context: dict[str, Any] = {}
        self._number = 1

    def wait_after(self, error: Exception) -> None:
        """Waits until the next attempt. Raises the error when there is to be none."""
        retries = self._retries
        retries.strained = True
        response = _parsed(error)
        decisions = retries.events.emit(
            f"needs-retry.sqs.{self._operation}",
            response=response,
            endpoint=None,
            operation=self._model,
            attempts=self._number,
            caught_exception=None if response else error,
            request_dict={"context": self._context},
        )
        delay = first_non_none_response(decisions)
        if delay is None or delay is False:
            if response:
                self._count_in(response[1])
            raise error
        self._number += 1
        retries.sleep(delay)

    def succeeded(self, answer: dict[str, Any]) -> None:
        """Notes in the answer what it took, and gives back to the quota what that took from it."""
        self._count_in(answer)
        if not self._retries.strained:
            return  # it is full: no call has failed so far
        self._retries.events.emit(
            f"after-call.sqs.{self._operation}",
            http_response=SimpleNamespace(status_code=200),
            parsed={},
            model=self._model,
            context=self._context,
        )

    def _count_in(self, answer: dict[str, Any]) -> None:
        answer["ResponseMetadata"]["RetryAttempts"] = self._number - 1


def _parsed(error: Exception) -> tuple[SimpleNamespace, Any] | None:
    """The answer as the stock client's handlers take it; None when there was none."""
    if not isinstance(error, ClientError):
        return None
    metadata = error.response["ResponseMetadata"]
    http = SimpleNamespace(status_code=metadata["HTTPStatusCode"], headers=metadata["HTTPHeaders"])
    return http, error.response
