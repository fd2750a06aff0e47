"""Settings: read once, checked all at once, never printed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from dotenv import dotenv_values
from pydantic import BaseModel, BeforeValidator, Field, SecretBytes, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from pydantic_settings import SettingsError as SourceError

from blackcat.errors import SettingsError
from blackcat.infra.logs import LogFormat
from blackcat.infra.redaction import redactor

LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]


def _upper(text: Any) -> Any:
    return text.upper() if isinstance(text, str) else text


Port = Annotated[int, Field(ge=0, le=65535)]


class Settings(BaseSettings):
    """What Blackcat itself reads; projects subclass it and add their own fields.

    Order: arguments, environment, ``.env.{ENVIRONMENT}``, ``.env``, defaults. A field is read from the
    variable of its name in upper case. Values of ``SecretStr`` fields are masked in all logs. Raises
    SettingsError, which names every problem at once, and never a value.
    """

    model_config = SettingsConfigDict(
        extra="ignore", frozen=True, hide_input_in_errors=True, env_ignore_empty=True
    )

    service_name: str | None = None
    service_version: str = ""
    environment: Literal["dev", "staging", "prod"] = "dev"

    aws_region: str | None = None
    aws_endpoint_url: str | None = None
    aws_dry_run: bool = False
    sqs_transport: Literal["boto3", "lean"] = "boto3"
    resource_prefix: str = ""

    log_level: Annotated[LogLevel, BeforeValidator(_upper)] = "INFO"
    log_format: LogFormat | None = None

    health_host: str = "0.0.0.0"  # noqa: S104 - probes come from outside the container
    health_port: Port = 8080
    host: str = "0.0.0.0"  # noqa: S104 - requests come from outside the container
    port: Port = 8000
    api_server: Literal["gunicorn", "development"] = "gunicorn"
    api_workers: Annotated[int, Field(ge=1, le=64)] = 2
    api_threads: Annotated[int, Field(ge=1, le=256)] = 8
    api_max_body_bytes: Annotated[int, Field(ge=1)] = 1_048_576

    shutdown_timeout_seconds: Annotated[float, Field(gt=0, le=3600)] = 25
    consumer_concurrency: Annotated[int, Field(ge=1, le=1000)] = 20
    consumer_wait_seconds: Annotated[int, Field(ge=0, le=20)] = 10
    consumer_max_handling_seconds: Annotated[int, Field(ge=1, le=43_200)] = 900

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise SettingsError(_explained(type(self), error)) from None
        except SourceError as error:
            raise SettingsError(f"{error}: write it as JSON") from None
        except UnicodeDecodeError:
            raise SettingsError("an .env file is not UTF-8: save it as UTF-8") from None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        files = DotEnvSettingsSource(settings_cls, env_file=dotenv_files(), env_file_encoding="utf-8")
        return init_settings, env_settings, files

    def model_post_init(self, context: Any, /) -> None:
        for secret in _secrets(self):
            redactor.learn(secret)

    @property
    def shutdown_timeout(self) -> timedelta:
        return timedelta(seconds=self.shutdown_timeout_seconds)


def dotenv_files() -> tuple[Path, Path]:
    """``.env`` and ``.env.{ENVIRONMENT}`` of the working directory, the later one stronger."""
    shared = Path(".env")
    name = os.environ.get("ENVIRONMENT") or dotenv_values(shared).get("ENVIRONMENT") or "dev"
    return shared, Path(f".env.{name}")


def export_aws_variables() -> None:
    """Put the AWS variables of the ``.env`` files into the environment, where boto3 looks for them."""
    for file in reversed(dotenv_files()):
        for name, value in dotenv_values(file).items():
            if name.startswith("AWS_") and value is not None:
                os.environ.setdefault(name, value)


def _explained(settings: type[BaseSettings], error: ValidationError) -> str:
    problems = error.errors(include_input=False, include_url=False, include_context=False)
    return "settings are missing or wrong: " + "; ".join(
        _problem(settings, problem["loc"], problem["type"], problem["msg"]) for problem in problems
    )


def _problem(settings: type[BaseSettings], location: tuple[int | str, ...], kind: str, message: str) -> str:
    if not location:
        return message.removeprefix("Value error, ")
    variable = _variable(settings, location)
    if kind == "missing":
        return f"{variable} is not set: set it in the environment or in .env"
    return f"{variable}: {message}"


def _variable(settings: type[BaseSettings], location: tuple[int | str, ...]) -> str:
    prefix = settings.model_config.get("env_prefix") or ""
    return prefix.upper() + "__".join(str(part).upper() for part in location)


def _secrets(value: Any) -> Iterator[str]:
    """Every secret in a setting, at any depth."""
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, SecretBytes):
        yield value.get_secret_value().decode(errors="ignore")
    elif isinstance(value, BaseModel):
        yield from _secrets([getattr(value, name) for name in type(value).model_fields])
    elif isinstance(value, Mapping):
        yield from _secrets(list(value.values()))
    elif isinstance(value, list | tuple | set | frozenset):
        for member in value:
            yield from _secrets(member)
