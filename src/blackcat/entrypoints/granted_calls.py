"""Whether a service calls no more of AWS than it is granted, watched through the log of its adapters."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from blackcat.adapters_aws import calls as aws_calls
from blackcat.application.doctor.permissions import needs
from blackcat.domain.registry import ServiceRegistry
from blackcat.domain.service import Service
from blackcat.resources import with_prefix

# IAM names the action after the single call, or has none of its own for it.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-api-permissions-reference.html
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
_ACTIONS = {
    "sqs:SendMessageBatch": "sqs:SendMessage",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
    "sns:PublishBatch": "sns:Publish",
    "dynamodb:TransactWriteItems": "dynamodb:PutItem",
    "dynamodb:TransactGetItems": "dynamodb:GetItem",
}
# Everybody may ask who they are; parameters are settings, which no grant is for.
_OPEN_TO_ALL = ("sts:GetCallerIdentity", "ssm:GetParameters")


class Call(NamedTuple):
    """An action as IAM names it, on a resource as AWS names it."""

    action: str
    resource: str


@contextlib.contextmanager
def only_granted(service: Service, registry: ServiceRegistry, *, prefix: str) -> Iterator[None]:
    """Watch the calls of this process. Raises AssertionError at the end for those beyond the grants."""
    granted = _granted(service, registry, prefix)
    with recorded_calls() as calls:
        yield
    beyond = [call for call in dict.fromkeys(calls) if call not in granted]
    if beyond:
        raise AssertionError(
            "\n".join(
                f"service '{service.name}' is not granted {call.action} on "
                f"'{call.resource.removeprefix(prefix)}': declare it in uses"
                for call in beyond
            )
        )


@contextlib.contextmanager
def recorded_calls() -> Iterator[list[Call]]:
    """What the adapters of this process call meanwhile, from whichever thread."""
    recorder = _Recorder()
    logger = logging.getLogger(aws_calls.__name__)
    before = logger.level
    logger.addHandler(recorder)
    logger.setLevel(logging.DEBUG)
    try:
        yield recorder.calls
    finally:
        logger.setLevel(before)
        logger.removeHandler(recorder)


class _Recorder(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Call] = []
        self._calls_lock = threading.Lock()

    def emit(self, record: logging.LogRecord) -> None:
        if record.getMessage() == aws_calls.CALLED:
            fields: Mapping[str, str] = record.__dict__["fields"]
            with self._calls_lock:
                self.calls.extend(_calls(fields))


def _calls(fields: Mapping[str, str]) -> Iterable[Call]:
    called = f"{fields['aws_service']}:{fields['aws_operation']}"
    if called in _OPEN_TO_ALL:
        return ()
    # A transaction names all its tables.
    return [Call(_ACTIONS.get(called, called), name) for name in fields["aws_resource"].split(", ")]


def _granted(service: Service, registry: ServiceRegistry, prefix: str) -> set[Call]:
    return {
        Call(action, with_prefix(resource, prefix).name)
        for resource, actions in needs([service], registry).items()
        for action in actions
    }
