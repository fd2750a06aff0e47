"""The contract of stores of secrets, in memory and on Secrets Manager's protocol."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from blackcat.adapters_aws import AwsOptions, SecretsManagerStore
from blackcat.adapters_aws.calls import AwsCalls
from blackcat.application.clock import SystemClock
from blackcat.application.secrets import CachedSecrets
from blackcat.domain.secret import CURRENT, PENDING
from blackcat.errors import SecretNotFound
from blackcat.testing import InMemorySecretStore
from blackcat.testing.contracts import SecretStoreContract


class SecretsManagerVault:
    """Secrets Manager as an operator, or a rotation function, changes it."""

    def __init__(self, options: AwsOptions) -> None:
        self._calls = AwsCalls("secretsmanager", options)

    def put(self, name: str, content: str | bytes, *, stage: str = CURRENT) -> str:
        kept = {"SecretString" if isinstance(content, str) else "SecretBinary": content}
        try:
            answer = self._call("PutSecretValue", name, SecretId=name, VersionStages=[stage], **kept)
        except SecretNotFound:
            answer = self._call("CreateSecret", name, Name=name, **kept)
        version_id: str = answer["VersionId"]
        return version_id

    def promote(self, name: str) -> None:
        stages = self._call("DescribeSecret", name, SecretId=name)["VersionIdsToStages"]
        current, pending = (next(id_ for id_ in stages if s in stages[id_]) for s in (CURRENT, PENDING))
        self._call(
            "UpdateSecretVersionStage",
            name,
            SecretId=name,
            VersionStage=CURRENT,
            MoveToVersionId=pending,
            RemoveFromVersionId=current,
        )

    def delete(self, name: str) -> None:
        self._call("DeleteSecret", name, SecretId=name, RecoveryWindowInDays=7)

    def arn(self, name: str) -> str:
        arn: str = self._call("DescribeSecret", name, SecretId=name)["ARN"]
        return arn

    def _call(self, operation: str, name: str, **parameters: Any) -> dict[str, Any]:
        return self._calls.read(operation, name, **parameters)


class TestInMemorySecretStore(SecretStoreContract):
    @pytest.fixture
    def store(self) -> InMemorySecretStore:
        return InMemorySecretStore()

    @pytest.fixture
    def vault(self, store: InMemorySecretStore) -> InMemorySecretStore:
        return store


class TestSecretsManagerStore(SecretStoreContract):
    @pytest.fixture
    def store(self, aws_options: AwsOptions) -> SecretsManagerStore:
        return SecretsManagerStore(aws_options)

    @pytest.fixture
    def vault(self, aws_options: AwsOptions) -> SecretsManagerVault:
        return SecretsManagerVault(aws_options)


class TestCachedSecretsThatForgetAtOnce(SecretStoreContract):
    """What a cache gives is what its store gives."""

    variant = "cached"

    @pytest.fixture
    def vault(self) -> InMemorySecretStore:
        return InMemorySecretStore()

    @pytest.fixture
    def store(self, vault: InMemorySecretStore) -> CachedSecrets:
        return CachedSecrets(vault, clock=SystemClock(), ttl=timedelta(0))
