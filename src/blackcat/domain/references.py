"""Where a setting's value is kept, when it is kept in AWS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from blackcat.domain.secret import CURRENT
from blackcat.errors import InvalidDeclaration
from blackcat.resources import SecretResource, with_prefix

# arn:partition:secretsmanager:region:account:secret:name
_PARTS_OF_AN_ARN = 7
# https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
_MIN_VERSION, _MAX_VERSION = 32, 64


@dataclass(frozen=True)
class FromSecret:
    """A setting whose value is in Secrets Manager.

    ``Annotated[SecretStr, FromSecret("shop/db", key="password")]`` names it for a field. The name or
    ARN is taken as it is; a declared SecretResource bears the RESOURCE_PREFIX.
    ``key`` is one of its JSON's; without it the value is the whole secret. Raises InvalidDeclaration.
    """

    secret: str | SecretResource
    key: str | None = None
    stage: str = CURRENT
    version_id: str | None = None

    def __post_init__(self) -> None:
        if isinstance(self.secret, str):
            SecretResource(self.secret)
        if self.version_id is not None and not _MIN_VERSION <= len(self.version_id) <= _MAX_VERSION:
            raise InvalidDeclaration(
                f"the version_id of a secret has {_MIN_VERSION} to {_MAX_VERSION} characters, not "
                f"{len(self.version_id)}: copy it from Secrets Manager, or name a stage"
            )

    def version(self, prefix: str) -> tuple[str, str, str | None]:
        """The secret's name in an environment with that RESOURCE_PREFIX, the stage and the version's id."""
        name = self.secret if isinstance(self.secret, str) else with_prefix(self.secret, prefix).name
        return name, self.stage, self.version_id

    @staticmethod
    def parse(text: str) -> FromSecret:
        """``name``, ``name:key``, or ECS's form ``arn:…:secret:name-AbCdEf[:key[:stage[:version-id]]]``.

        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-secrets-manager.html
        """
        parts = text.split(":")
        length = _PARTS_OF_AN_ARN if parts[0] == "arn" else 1
        key, stage, version_id, *more = [*parts[length:], "", "", ""]
        if any(more):
            raise InvalidDeclaration("write the secret's name or ARN, and after a colon the key in its JSON")
        return FromSecret(":".join(parts[:length]), key or None, stage or CURRENT, version_id or None)


@dataclass(frozen=True)
class NamesSecret:
    """Marks a setting that is the name of a secret, and not the secret."""


# ``postgres_secret: SecretName = "shop/db"``: shown as it is, although the setting is called a secret.
SecretName = Annotated[str, NamesSecret()]


@dataclass(frozen=True)
class FromParameter:
    """A setting whose value is in SSM Parameter Store.

    ``Annotated[str, FromParameter("/shop/db/url")]`` names it for a field. The name or ARN is
    taken as it is; it may end with a version or label, such as
    ``/shop/db/url:3``. Raises InvalidDeclaration.
    """

    name: str

    def __post_init__(self) -> None:
        if not self.name or any(map(str.isspace, self.name)):
            raise InvalidDeclaration("write the parameter's name, such as /shop/db/url, without spaces")
