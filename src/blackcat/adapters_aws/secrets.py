"""Secrets Manager as a store of secrets."""

from __future__ import annotations

from blackcat.adapters_aws.calls import AwsCalls
from blackcat.adapters_aws.clients import AwsOptions
from blackcat.domain.secret import CURRENT, SecretValue


class SecretsManagerStore:
    """The secrets of an account, by name, or by ARN for those of another one. Safe to share between threads.

    Needs ``secretsmanager:GetSecretValue``, and ``kms:Decrypt`` where the secret has a key of its own.
    https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
    """

    def __init__(self, options: AwsOptions) -> None:
        self._calls = AwsCalls("secretsmanager", options)

    def get(self, name: str, *, stage: str = CURRENT, version_id: str | None = None) -> SecretValue:
        version = {"VersionId": version_id} if version_id else {"VersionStage": stage}
        answer = self._calls.read("GetSecretValue", name, SecretId=name, **version)
        return SecretValue(
            name=name,
            content=answer["SecretString"] if "SecretString" in answer else answer["SecretBinary"],
            version_id=answer["VersionId"],
            stages=frozenset(answer.get("VersionStages", ())),
        )
