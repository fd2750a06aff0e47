"""Blackcat: microservices on AWS from one declaration per service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from blackcat.application.idempotency import (
    Idempotency,
    TableIdempotencyStore,
    by_deduplication_id,
    by_field,
    by_message_id,
)
from blackcat.application.metrics import project_metrics as metrics
from blackcat.application.middleware import Next
from blackcat.application.worker.run import Run
from blackcat.domain.circuit import CircuitBreaker
from blackcat.domain.health import Check
from blackcat.domain.message import Attribute, Message
from blackcat.domain.outcome import Deferred, Handled, Outcome, Reject, Rejected, Retried, Retry
from blackcat.domain.outgoing import OutgoingMessage
from blackcat.domain.references import FromParameter, FromSecret
from blackcat.domain.registry import ServiceRegistry
from blackcat.domain.retry import RetryPolicy
from blackcat.domain.secret import SecretValue
from blackcat.domain.service import Service, ServiceType
from blackcat.errors import BlackcatError

if TYPE_CHECKING:
    from blackcat.application.secrets import Secret
    from blackcat.entrypoints.connections import connect, connect_transactions
    from blackcat.entrypoints.microservice import run_microservice
    from blackcat.entrypoints.rest_api.blueprint import Blueprint
    from blackcat.entrypoints.settings import Settings
    from blackcat.infra.repository import DynamoRepository

__all__ = [
    "Attribute",
    "BlackcatError",
    "Blueprint",
    "Check",
    "CircuitBreaker",
    "Deferred",
    "DynamoRepository",
    "FromParameter",
    "FromSecret",
    "Handled",
    "Idempotency",
    "Message",
    "Next",
    "OutgoingMessage",
    "Outcome",
    "Reject",
    "Rejected",
    "Retried",
    "Retry",
    "RetryPolicy",
    "Run",
    "Secret",
    "SecretValue",
    "Service",
    "ServiceRegistry",
    "ServiceType",
    "Settings",
    "TableIdempotencyStore",
    "by_deduplication_id",
    "by_field",
    "by_message_id",
    "connect",
    "connect_transactions",
    "metrics",
    "run_microservice",
]

# Loaded at first use, so that a declaration costs neither boto3 nor pydantic.
_LAZY = {
    "Blueprint": "blackcat.entrypoints.rest_api.blueprint",
    "DynamoRepository": "blackcat.infra.repository",
    "Secret": "blackcat.application.secrets",
    "Settings": "blackcat.entrypoints.settings",
    "connect": "blackcat.entrypoints.connections",
    "connect_transactions": "blackcat.entrypoints.connections",
    "run_microservice": "blackcat.entrypoints.microservice",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'blackcat' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(_LAZY[name]), name)
