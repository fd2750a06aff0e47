"""What is not for production, and names that are misspelled."""

from __future__ import annotations

from pathlib import Path

import pytest

from blackcat import Settings
from blackcat.errors import SettingsError
from blackcat.infra.settings.checks import misspelled

OWN = frozenset(name.upper() for name in Settings.model_fields)

# What processes commonly have in their environment, for others than us.
OF_OTHERS = [
    *("HOSTNAME", "HOSTS", "PORTS", "HOME", "LOGLEVEL", "LOG_LEVELS", "LOG_FILE", "LOG_FORMATTER", "LOG_DIR"),
    *("DD_SERVICE", "DD_SERVICE_NAME", "DD_ENV", "DD_VERSION", "OTEL_SERVICE_NAME", "DJANGO_LOG_LEVEL"),
    *("K_SERVICE", "K_REVISION", "ENVIRONMENTS", "APP_ENVIRONMENT", "RAILS_ENV", "NODE_ENV", "APP_WORKERS"),
    *("AWS_DEFAULT_REGION", "AWS_REGIONS", "AWS_PROFILE", "AWS_ROLE_ARN", "AWS_ENDPOINT_URL_S3"),
    *(
        "AWS_ENDPOINT_URL_SQS",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_CA_BUNDLE",
    ),
    *("AWS_MAX_ATTEMPTS", "AWS_RETRY_MODE", "AWS_EXECUTION_ENV", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"),
    *("SERVICE_NAMES", "SERVICE_NAMESPACE", "SERVICE_HOST", "SERVICE_PORT", "SERVICE_URL", "SERVICE_TOKEN"),
    *(
        "API_SERVICE_HOST",
        "API_SERVICE_PORT",
        "API_PORT",
        "API_PORT_80_TCP",
        "API_KEY",
        "API_URL",
        "API_SECRET",
    ),
    *("CONSUMER_SERVICE_HOST", "CONSUMER_PORT", "CONSUMER_GROUP", "CONSUMER_KEY", "CONSUMER_SECRET"),
    *(
        "HEALTH_SERVICE_HOST",
        "HEALTH_PATH",
        "HEALTH_URL",
        "HEALTHCHECK_PORT",
        "SHUTDOWN_HOOK",
        "SQS_QUEUE_URL",
    ),
    *("SQS_ENDPOINT", "RESOURCE_GROUP", "RESOURCE_NAME", "WEB_CONCURRENCY", "MAX_WORKERS", "PYTHONPATH"),
    *("DB_PASSWORD_SECRET", "SECRETS_MANAGER_NAME", "SERVICE_ACCOUNT", "GUNICORN_CMD_ARGS", "SSH_AUTH_SOCK"),
]


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in (*OWN, "AWS_ENDPOINT_URL_SQS"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("CONSUMER_CONCURENCY", "CONSUMER_CONCURRENCY"),
        ("CONSUMMER_CONCURRENCY", "CONSUMER_CONCURRENCY"),
        ("CONSUMER_WAIT", "CONSUMER_WAIT_SECONDS"),
        ("CONSUMER_WAIT_SECS", "CONSUMER_WAIT_SECONDS"),
        ("CONSUMER_MAX_HANDLING", "CONSUMER_MAX_HANDLING_SECONDS"),
        ("CONSUMER_MAX_HANDLNG_SECONDS", "CONSUMER_MAX_HANDLING_SECONDS"),
        ("SHUTDOWN_TIMEOUT", "SHUTDOWN_TIMEOUT_SECONDS"),
        ("SHUTDOWN_TIMEOUT_MS", "SHUTDOWN_TIMEOUT_SECONDS"),
        ("API_MAX_BODY", "API_MAX_BODY_BYTES"),
        ("API_WORKER", "API_WORKERS"),
        ("API_TREADS", "API_THREADS"),
        ("HEALTH_PROT", "HEALTH_PORT"),
        ("HEATLH_PORT", "HEALTH_PORT"),
        ("ENVIROMENT", "ENVIRONMENT"),
        ("AWS_DRYRUN", "AWS_DRY_RUN"),
        ("RESOURCE_PREFX", "RESOURCE_PREFIX"),
        ("SQS_TRANSPORTS", "SQS_TRANSPORT"),
        ("QUEUE_BACKENDS", "QUEUE_BACKEND"),
        ("SECRETS_NAMES", "SECRETS_NAME"),
        ("HEALTHPORT", "HEALTH_PORT"),
        ("SERVICENAME", "SERVICE_NAME"),
        ("CONSUMERWAITSECONDS", "CONSUMER_WAIT_SECONDS"),
        ("SQS_TRANPSORT", "SQS_TRANSPORT"),
        ("LOG_FROMAT", "LOG_FORMAT"),
        ("SERVICE_NMAE", "SERVICE_NAME"),
    ],
)
def test_a_near_miss_is_told_with_what_was_meant(variable: str, meant: str) -> None:
    told = [problem.text for problem in misspelled([variable], OWN, OWN)]
    assert [f"did you mean {meant}?" in text for text in told] == [True]


@pytest.mark.parametrize("variable", [*OF_OTHERS, *sorted(OWN)])
def test_what_is_others_is_left_alone(variable: str) -> None:
    assert list(misspelled([variable], OWN, OWN)) == []


def test_a_field_of_the_project_is_no_misspelling(monkeypatch: pytest.MonkeyPatch) -> None:
    class Odd(Settings):
        health_ports: str = ""
        consumer_concurrenci: int = 0

    monkeypatch.setenv("CONSUMER_CONCURRENCI", "3")
    assert Odd().consumer_concurrenci == 3


def test_files_are_looked_at_too_and_a_name_may_be_allowed(empty_folder: Path) -> None:
    (empty_folder / ".env").write_text("CONSUMER_CONCURENCY=3\n")
    with pytest.raises(SettingsError, match="CONSUMER_CONCURENCY is not read by Blackcat: did you mean"):
        Settings()
    (empty_folder / ".env").write_text("CONSUMER_CONCURENCY=3\nALLOW_SETTINGS=other, consumer_concurency\n")
    assert Settings().consumer_concurrency == 20


FOR_DEVELOPMENT = {
    "AWS_ENDPOINT_URL": "http://127.0.0.1:4566",
    "AWS_ENDPOINT_URL_SQS": "http://localhost:4566",
    "AWS_DRY_RUN": "1",
    "API_SERVER": "development",
    "LOG_LEVEL": "debug",
}


def test_production_refuses_what_is_for_development_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in FOR_DEVELOPMENT.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setenv("HEALTH_PORT", "wrong")
    for environment in ("dev", "staging"):
        monkeypatch.setenv("ENVIRONMENT", environment)
        with pytest.raises(SettingsError) as refused:
            Settings()
        assert "development" not in str(refused.value)
    monkeypatch.setenv("ENVIRONMENT", "prod")
    with pytest.raises(SettingsError) as refused:
        Settings()
    for variable in FOR_DEVELOPMENT:
        assert f"{variable} is wrong: this value is for development, and ENVIRONMENT is prod" in str(
            refused.value
        )
    assert "HEALTH_PORT is wrong: " in str(refused.value)


@pytest.mark.parametrize("variable", FOR_DEVELOPMENT)
def test_production_is_told_by_name_what_to_accept(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv("ENVIRONMENT", "prod")
    monkeypatch.setenv(variable, FOR_DEVELOPMENT[variable])
    with pytest.raises(SettingsError, match=f"or name {variable} in ALLOW_SETTINGS"):
        Settings()
    monkeypatch.setenv("ALLOW_SETTINGS", f"OTHER,{variable}")
    assert Settings().environment == "prod"


@pytest.mark.parametrize(
    "url",
    [
        "https://sqs.eu-west-1.amazonaws.com",
        "https://vpce-0a1b-2c3d.sqs.eu-west-1.vpce.amazonaws.com",
        "https://sqs.cn-north-1.amazonaws.com.cn",
    ],
)
def test_an_address_of_aws_s_own_is_for_production(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("ENVIRONMENT", "prod")
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", url)
    assert Settings().aws_endpoint_url == url
