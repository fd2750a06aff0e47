"""A service's statements as a CloudFormation template takes them: ARNs are texts for ``Fn::Sub``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from blackcat.application.deployment.from_registry import secret_ids
from blackcat.application.iam.arns import CLOUDFORMATION
from blackcat.application.iam.policy import (
    Reference,
    Statement,
    Wanted,
    key_statements,
    resource_statements,
    secret_key_statement,
    settings_key_statement,
    settings_statements,
    wanted_by,
)
from blackcat.domain.registry import ServiceRegistry
from blackcat.domain.service import Service
from blackcat.resources import SecretResource

# Parameters of the template, and its conditions that they are set.
KEY, WITH_KEY = "${KmsKeyArn}", "Encrypted"
SETTINGS, WITH_SETTINGS = "${SettingsSecretArn}", "SettingsInSecret"
SETTINGS_KEY, WITH_SETTINGS_KEY = "${SettingsKeyArn}", "SettingsEncrypted"


def statements_for(
    service: Service, registry: ServiceRegistry, settings: Sequence[Reference] = ()
) -> list[dict[str, Any]]:
    """What the service may do, and to read these settings.

    A statement that holds only under a condition names it under ``If``.
    """
    wanted = wanted_by(service, registry)
    of_one_secret = Statement(
        sid="SettingsInSecrets", actions=["secretsmanager:GetSecretValue"], resources=[SETTINGS]
    )
    settings_key = settings_key_statement(CLOUDFORMATION, SETTINGS_KEY, settings)
    return [
        *(one.as_json() for one in resource_statements(wanted, CLOUDFORMATION)),
        *(one.as_json() for one in settings_statements(CLOUDFORMATION, settings)),
        *(_only_if(WITH_KEY, one) for one in key_statements(wanted, CLOUDFORMATION, [KEY])),
        *_of_foreign_keys(wanted, registry),
        _only_if(WITH_SETTINGS, of_one_secret),
        _only_if(WITH_SETTINGS_KEY, settings_key),
    ]


def _of_foreign_keys(wanted: Wanted, registry: ServiceRegistry) -> Iterator[dict[str, Any]]:
    """To read secrets by ARN, each of which may have a key of another account."""
    ids = secret_ids(registry)
    for secret in wanted:
        if isinstance(secret, SecretResource) and secret.by_arn:
            id_ = ids[secret.name]
            statement = secret_key_statement(CLOUDFORMATION, f"${{{id_}KeyArn}}", secret)
            yield _only_if(f"{id_}Encrypted", statement)


def _only_if(condition: str, statement: Statement) -> dict[str, Any]:
    return {**statement.as_json(), "If": condition}
