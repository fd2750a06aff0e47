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
from blackcat.domain.references import FromParameter, FromSecret, SecretName
from blackcat.domain.registry import ServiceRegistry
from blackcat.domain.retry import RetryPolicy
from blackcat.domain.secret import SecretValue
from blackcat.domain.service import Service, ServiceType
from blackcat.errors import BlackcatError

if TYPE_CHECKING:
    from blackcat.application.secrets import Secret
    from blackcat.arbok.limits import PoolLimits
    from blackcat.entrypoints.aws_lambda.function import lambda_handler
    from blackcat.entrypoints.connections import connect, connect_transactions
    from blackcat.entrypoints.databases import close_databases, mongo_pool, odbc_pool, postgres_pool
    from blackcat.entrypoints.mew.jobs import Jobs
    from blackcat.entrypoints.mew.mew import Mew
    from blackcat.entrypoints.mew.reading import SettingsReader
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
    "Jobs",
    "Message",
    "Mew",
    "Next",
    "OutgoingMessage",
    "Outcome",
    "PoolLimits",
    "Reject",
    "Rejected",
    "Retried",
    "Retry",
    "RetryPolicy",
    "Run",
    "Secret",
    "SecretName",
    "SecretValue",
    "Service",
    "ServiceRegistry",
    "ServiceType",
    "Settings",
    "SettingsReader",
    "TableIdempotencyStore",
    "by_deduplication_id",
    "by_field",
    "by_message_id",
    "close_databases",
    "connect",
    "connect_transactions",
    "lambda_handler",
    "metrics",
    "mongo_pool",
    "odbc_pool",
    "postgres_pool",
    "run_microservice",
]

# Loaded at first use, so that a declaration costs neither boto3 nor pydantic.
_LAZY = {
    "Blueprint": "blackcat.entrypoints.rest_api.blueprint",
    "DynamoRepository": "blackcat.infra.repository",
    "PoolLimits": "blackcat.arbok.limits",
    "Jobs": "blackcat.entrypoints.mew.jobs",
    "Mew": "blackcat.entrypoints.mew.mew",
    "Secret": "blackcat.application.secrets",
    "Settings": "blackcat.entrypoints.settings",
    "SettingsReader": "blackcat.entrypoints.mew.reading",
    "close_databases": "blackcat.entrypoints.databases",
    "connect": "blackcat.entrypoints.connections",
    "connect_transactions": "blackcat.entrypoints.connections",
    "lambda_handler": "blackcat.entrypoints.aws_lambda.function",
    "mongo_pool": "blackcat.entrypoints.databases",
    "odbc_pool": "blackcat.entrypoints.databases",
    "postgres_pool": "blackcat.entrypoints.databases",
    "run_microservice": "blackcat.entrypoints.microservice",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'blackcat' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(_LAZY[name]), name)
