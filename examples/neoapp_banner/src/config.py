"""The settings of the project. The environment is read here, and nowhere else.

A field is read from the environment variable of its name in upper case, or else from `src/.env`, or else
from where its annotation says: `FromSecret` names a secret of Secrets Manager and one of its keys. Secrets
that other projects have created are reused by their names.
"""

from __future__ import annotations

from typing import Annotated, Literal

import blackcat
from blackcat import FromSecret, SecretName
from pydantic import Field, SecretStr


class Settings(blackcat.Settings):
    """What every part of the project reads; Blackcat's own settings are among them.

    Databases have the name of a secret here, not its value: it is asked for at each connect, so that a
    rotated password is taken up.
    """

    postgres_secret: SecretName = "neoapp/postgres"
    odbc_secret: SecretName = "neoapp/odbc"
    mongo_secret: SecretName = "neoapp/mongo"
    # A database of this machine may do without: DATABASE_TLS=disable.
    database_tls: Literal["verify-full", "verify-ca", "disable"] = "verify-full"
    # The certificates that the database's is signed with, where the system does not know them.
    database_ca_file: str | None = None


class OpenAISettings(blackcat.Settings):
    """Read when a text is first generated or moderated."""

    openai_api_key: Annotated[SecretStr, FromSecret("neoapp/openai", key="api_key")]
    openai_base_url: str = "https://api.openai.com/v1"
    openai_model: str = "gpt-4o-mini"
    openai_timeout_seconds: float = Field(default=20, gt=0, le=120)


class PagarmeSettings(blackcat.Settings):
    """Read when a payment is first made."""

    pagarme_api_key: Annotated[SecretStr, FromSecret("neoapp/pagarme", key="api_key")]
    pagarme_base_url: str = "https://api.pagar.me/core/v5"
    pagarme_timeout_seconds: float = Field(default=10, gt=0, le=120)
