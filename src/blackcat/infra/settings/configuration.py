"""Settings: read once, checked all at once, never printed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from dotenv import dotenv_values
from pydantic import (
    AwareDatetime,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from pydantic_settings import SettingsError as SourceError

from blackcat.errors import SettingsError
from blackcat.infra.logs.logs import LogFormat
from blackcat.infra.redaction import redactor
from blackcat.infra.settings.checks import (
    allowed,
    endpoint_problems,
    is_for_development,
    misspelled,
    refusal,
)
from blackcat.infra.settings.names import field_named, variables
from blackcat.infra.settings.problems import Problem, explained, gathered, tell
from blackcat.infra.settings.secrets import LearnedBeforehand, learn, secrets_in
from blackcat.infra.settings.sources import remote_sources

LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]


def _upper(text: Any) -> Any:
    return text.upper() if isinstance(text, str) else text


Port = Annotated[int, Field(ge=0, le=65535)]
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html
_NAMESPACE = r"^[0-9A-Za-z._/#:-]{1,255}$"


class Settings(BaseSettings, LearnedBeforehand):
    """What Blackcat itself reads; projects subclass it and add their own fields.

    Order: arguments, environment, ``.env.{ENVIRONMENT}``, ``.env``, Secrets Manager, SSM Parameter Store,
    defaults. A field is read from the variable of its name in upper case; it is kept in AWS when its
    annotation says so (``Annotated[SecretStr, FromSecret("shop/db", key="password")]``), or a variable
    such as ``DB_PASSWORD_SECRET=shop/db:password``, or when it is a key of the secret that SECRETS_NAME
    names. Values of ``SecretStr`` and ``FromSecret`` fields, and those that came from a secret, are masked
    in all logs.

    Raises SettingsError, which names every problem at once, and never a secret.
    """

    model_config = SettingsConfigDict(
        extra="ignore", frozen=True, hide_input_in_errors=True, env_ignore_empty=True
    )

    environment: Literal["dev", "staging", "prod"] = "dev"
    allow_settings: str = ""
    secrets_name: str | None = None

    service_name: str | None = None
    service_version: str = ""

    aws_region: str | None = None
    aws_endpoint_url: str | None = None
    aws_dry_run: bool = False
    sqs_transport: Literal["boto3", "lean"] = "boto3"
    queue_backend: Literal["sqs", "rabbitmq"] = "sqs"
    rabbitmq_url: SecretStr | None = Field(default=None, validate_default=True)
    resource_prefix: str = ""

    log_level: Annotated[LogLevel, BeforeValidator(_upper)] = "INFO"
    log_format: LogFormat | None = None
    metrics: Literal["none", "emf", "prometheus"] = "none"
    metrics_namespace: Annotated[str, Field(pattern=_NAMESPACE)] = "Blackcat"
    metrics_interval_seconds: Annotated[int, Field(ge=1, le=3600)] = 60
    tracing: Literal["none", "otlp"] = "none"

    health_host: str = "0.0.0.0"  # noqa: S104 - probes come from outside the container
    health_port: Port = 8080
    host: str = "0.0.0.0"  # noqa: S104 - requests come from outside the container
    port: Port = 8000
    api_server: Literal["gunicorn", "development"] = "gunicorn"
    api_workers: Annotated[int, Field(ge=1, le=64)] = 2
    api_threads: Annotated[int, Field(ge=1, le=256)] = 8
    api_max_body_bytes: Annotated[int, Field(ge=1)] = 1_048_576
    api_request_timeout_seconds: Annotated[float, Field(gt=0, le=3600)] = 30
    api_max_requests: Annotated[int, Field(ge=0)] = 0
    api_max_requests_jitter: Annotated[int, Field(ge=0)] | None = None
    api_docs: bool | None = None

    shutdown_timeout_seconds: Annotated[float, Field(gt=0, le=3600)] = 25
    shutdown_delay_seconds: Annotated[float, Field(ge=0, le=3600)] = 0
    consumer_concurrency: Annotated[int, Field(ge=1, le=1000)] = 20
    consumer_wait_seconds: Annotated[int, Field(ge=0, le=20)] = 10
    consumer_max_handling_seconds: Annotated[int, Field(ge=1, le=43_200)] = 900
    worker_lease_seconds: Annotated[int, Field(ge=1, le=3600)] = 60
    worker_scheduled_at: AwareDatetime | None = None
    ecs_task_protection: bool = False

    def __init__(self, **values: Any) -> None:
        if problems := filled(self, values):
            raise SettingsError(explained(problems))

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        arguments = init_settings.init_kwargs if isinstance(init_settings, InitSettingsSource) else {}
        return (
            init_settings,
            _Environment(settings_cls),
            _Files(settings_cls, env_file=dotenv_files(), env_file_encoding="utf-8"),
            *remote_sources(settings_cls, arguments, told(), own=frozenset(Settings.model_fields)),
        )

    @field_validator("aws_endpoint_url", "aws_dry_run", "api_server", "log_level")
    @classmethod
    def _fit_for_production(cls, value: Any, info: ValidationInfo) -> Any:
        variable = str(info.field_name).upper()
        in_production = info.data.get("environment") == "prod"
        accepted = allowed(info.data.get("allow_settings", ""))
        if in_production and is_for_development(variable, value) and variable not in accepted:
            raise ValueError(refusal(variable))
        return value

    @field_validator("metrics_namespace")
    @classmethod
    def _is_not_aws_s_own(cls, value: str) -> str:
        if value.startswith("AWS/"):
            raise ValueError("namespaces that begin with AWS/ are AWS's own: choose another one")
        return value

    @field_validator("queue_backend")
    @classmethod
    def _sends_as_told(cls, value: str, info: ValidationInfo) -> str:
        if value == "rabbitmq" and info.data.get("aws_dry_run"):
            raise ValueError("rabbitmq has no dry run: unset AWS_DRY_RUN, or keep the queues on sqs")
        return value

    @field_validator("rabbitmq_url")
    @classmethod
    def _leads_to_a_broker(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if value is None and info.data.get("queue_backend") == "rabbitmq":
            raise ValueError(
                "QUEUE_BACKEND is rabbitmq: set it, such as amqps://user:password@host:5671/vhost"
            )
        if value is not None and not value.get_secret_value().startswith(("amqp://", "amqps://")):
            raise ValueError("it must begin with amqp:// or amqps://")
        return value

    @field_validator("shutdown_delay_seconds")
    @classmethod
    def _within_the_shutdown_budget(cls, value: float, info: ValidationInfo) -> float:
        budget = info.data.get("shutdown_timeout_seconds")
        if budget is not None and value and value >= budget:
            raise ValueError(f"it counts into SHUTDOWN_TIMEOUT_SECONDS, so it must be less than {budget:g}")
        return value

    def model_post_init(self, context: Any, /) -> None:
        for secret in secrets_in(self):
            redactor.learn(secret)

    @property
    def shutdown_timeout(self) -> timedelta:
        return timedelta(seconds=self.shutdown_timeout_seconds)

    @property
    def docs_are_served(self) -> bool:
        """A REST API describes itself, except in prod where nobody asked for it."""
        return self.environment != "prod" if self.api_docs is None else self.api_docs


def dotenv_files() -> tuple[Path, Path]:
    """``.env`` and ``.env.{ENVIRONMENT}`` of the working directory, the later one stronger.

    A project in the lambda layout keeps them in its ``src``.
    """
    folder = Path("src") if Path("src", "config.py").is_file() and not Path(".env").exists() else Path()
    shared = folder / ".env"
    name = os.environ.get("ENVIRONMENT") or dotenv_values(shared).get("ENVIRONMENT") or "dev"
    return shared, folder / f".env.{name}"


def export_aws_variables() -> None:
    """Put the AWS variables of the ``.env`` files into the environment, where boto3 looks for them."""
    _export("AWS_")


def export_otel_variables() -> None:
    """The same for OpenTelemetry's own."""
    _export("OTEL_")


def _export(prefix: str) -> None:
    for file in reversed(dotenv_files()):
        for name, value in dotenv_values(file).items():
            if name.startswith(prefix) and value is not None:
                os.environ.setdefault(name, value)


def told() -> dict[str, str]:
    """What the environment says, or else the ``.env`` files, by variable; empty ones are not set."""
    said: dict[str, str] = {}
    sources: list[Mapping[str, str | None]] = [*map(dotenv_values, dotenv_files()), os.environ]
    for source in sources:
        said |= {name.upper(): value for name, value in source.items() if value}
    return said


def filled(settings: Settings, values: Mapping[str, Any]) -> list[Problem]:
    """Read all values of new settings; everything that is missing or wrong, without a secret."""
    found = _problems(settings, values)
    return [replace(problem, text=redactor.text(problem.text)) for problem in found]


def _problems(settings: Settings, values: Mapping[str, Any]) -> list[Problem]:
    with gathered() as problems:
        try:
            BaseSettings.__init__(settings, **values)
        except ValidationError as error:
            problems += _invalid(type(settings), error, {problem.variable for problem in problems})
        except SourceError as error:
            problems.append(Problem(f"{error}: write it as JSON"))
        except UnicodeDecodeError:
            learn(type(settings), os.environ)
            return [Problem("an .env file is not UTF-8: save it as UTF-8")]
    return [*problems, *_of_variables(told())]


class _Environment(EnvSettingsSource):
    """Goes on after a value that should be JSON and is not, so that all problems are told at once."""

    def prepare_field_value(
        self, field_name: str, field: FieldInfo, value: Any, value_is_complex: bool
    ) -> Any:
        try:
            return super().prepare_field_value(field_name, field, value, value_is_complex)
        except ValueError:
            if not tell(Problem("write it as JSON", variables(self.settings_cls, field_name)[0])):
                raise
            return None


class _Files(DotEnvSettingsSource, _Environment):
    """The same for ``.env`` files."""


def _invalid(cls: type[BaseSettings], error: ValidationError, known: Iterable[str]) -> Iterator[Problem]:
    """What validation refuses; not that something is missing, when why is known already."""
    for problem in error.errors(include_input=False, include_url=False, include_context=False):
        first, *within = list(map(str, problem["loc"])) or [""]
        name = field_named(cls, first)
        variable = variables(cls, name)[0] if name else first.upper()
        if problem["type"] != "missing":
            text = problem["msg"].removeprefix("Value error, ")
            yield Problem(text, variable, tuple(within))
        elif variable not in known or within:
            yield Problem("set it in the environment or in .env", variable, tuple(within), verb="is not set")


def _of_variables(said: Mapping[str, str]) -> Iterator[Problem]:
    accepted = allowed(said.get("ALLOW_SETTINGS", ""))
    own = frozenset(variables(Settings, name)[0] for name in Settings.model_fields)
    known = {variable for cls in _classes() for name in cls.model_fields for variable in variables(cls, name)}
    for problem in (*endpoint_problems(said, said.get("ENVIRONMENT")), *misspelled(said, own, known)):
        if problem.variable not in accepted:
            yield problem


def all_problems() -> list[Problem]:
    """What is wrong with any class of settings that is known by now; nothing twice."""
    found = [problem for cls in _classes() for problem in filled(cls.__new__(cls), {})]
    return list(dict.fromkeys(found))


def _classes(cls: type[Settings] = Settings) -> Iterator[type[Settings]]:
    yield cls
    for subclass in cls.__subclasses__():
        yield from _classes(subclass)
