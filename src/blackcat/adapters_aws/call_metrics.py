"""The numbers of calls to AWS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from blackcat.adapters_aws.errors import by_code
from blackcat.application.metrics import metrics
from blackcat.errors import RemoteError, Throttled


def count_answered(service: str, operation: str, response: Mapping[str, Any]) -> None:
    """A call that was answered, after however many attempts."""
    if not metrics.enabled:
        return
    metrics.count("aws_calls", aws_service=service, aws_operation=operation, outcome="ok")
    if retries := response["ResponseMetadata"].get("RetryAttempts", 0):
        metrics.count("aws_retries", retries, aws_service=service, aws_operation=operation)


def count_failed(service: str, operation: str, error: RemoteError) -> None:
    """A call that failed, after however many attempts."""
    outcome = "throttled" if isinstance(error, Throttled) else "failed"
    metrics.count("aws_calls", aws_service=service, aws_operation=operation, outcome=outcome)


def count_throttles(events: Any) -> None:
    """Count each attempt that was throttled, also where the next one succeeded; ``events`` are a client's."""
    events.register("needs-retry", _note_attempt, unique_id="blackcat-throttles")


def _note_attempt(operation: Any, response: Any = None, **_: Any) -> None:
    if response is None or not metrics.enabled:
        return
    http, parsed = response
    service = operation.service_model.service_name
    if code := parsed.get("Error", {}).get("Code"):
        place = {"service": service, "operation": operation.name, "resource": ""}
        if isinstance(by_code(code.rpartition(".")[2], "", **place, status=http.status_code), Throttled):
            metrics.count("aws_throttles", aws_service=service, aws_operation=operation.name)
