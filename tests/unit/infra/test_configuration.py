import os
from typing import Annotated

import pytest
from pydantic import BaseModel, Field, SecretBytes, SecretStr, field_validator, model_validator

from blackcat import FromSecret, Settings
from blackcat.errors import SettingsError
from blackcat.infra.redaction import redactor
from blackcat.infra.settings.configuration import export_aws_variables


class ShopSettings(Settings):
    api_key: SecretStr
    maximum: Annotated[int, Field(gt=0)] = 10
    currencies: list[str] = ["BRL"]


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("SERVICE_NAME", "ENVIRONMENT", "API_KEY", "MAXIMUM", "AWS_REGION", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_defaults():
    settings = Settings()
    assert (settings.environment, settings.log_level, settings.health_port) == ("dev", "INFO", 8080)
    assert settings.consumer_wait_seconds < settings.shutdown_timeout_seconds


def test_the_order_is_arguments_environment_profile_file_default(empty_folder, monkeypatch):
    (empty_folder / ".env").write_text(
        "ENVIRONMENT=staging\nMAXIMUM=1\nAPI_KEY=from-the-file\nLOG_LEVEL=DEBUG\n"
    )
    (empty_folder / ".env.staging").write_text("MAXIMUM=2\nLOG_LEVEL=ERROR\n")
    assert ShopSettings().maximum == 2
    assert ShopSettings().log_level == "ERROR"
    assert ShopSettings().environment == "staging"
    monkeypatch.setenv("MAXIMUM", "3")
    assert ShopSettings().maximum == 3
    assert ShopSettings(maximum=4).maximum == 4


def test_every_problem_is_told_at_once_with_its_variable_and_never_a_value(monkeypatch):
    monkeypatch.setenv("MAXIMUM", "minus-five-canary")
    monkeypatch.setenv("HEALTH_PORT", "70000")
    monkeypatch.setenv("ENVIRONMENT", "production")
    with pytest.raises(SettingsError) as refused:
        ShopSettings()
    text = str(refused.value)
    assert "API_KEY is not set: set it in the environment or in .env" in text
    assert "MAXIMUM is wrong: " in text
    assert "HEALTH_PORT is wrong: " in text
    assert "ENVIRONMENT is wrong: Input should be 'dev', 'staging' or 'prod'" in text
    assert "canary" not in text
    assert "70000" not in text
    assert refused.value.__cause__ is None


def test_secrets_in_lists_and_mappings_are_known_to_the_redactor_too():
    class Nested(Settings):
        keys: list[SecretStr]
        by_name: dict[str, SecretStr]

    Nested(keys=["canary-in-a-list"], by_name={"a": "canary-in-a-mapping"})
    assert "canary" not in redactor.text("canary-in-a-list and canary-in-a-mapping")


def test_levels_are_read_in_any_case_and_empty_variables_are_not_set(monkeypatch):
    monkeypatch.setenv("LOG_LEVEL", "debug")
    monkeypatch.setenv("AWS_DRY_RUN", "")
    assert Settings().log_level == "DEBUG"
    assert Settings().aws_dry_run is False


def test_a_project_in_the_lambda_layout_has_its_env_files_in_src(empty_folder):
    (empty_folder / "src").mkdir()
    (empty_folder / "src/.env").write_text("ENVIRONMENT=staging\nLOG_LEVEL=ERROR\n")
    (empty_folder / "src/.env.staging").write_text("LOG_LEVEL=DEBUG\n")
    assert Settings().environment == "dev"  # any other folder may be called src

    (empty_folder / "src/config.py").touch()
    assert (Settings().environment, Settings().log_level) == ("staging", "DEBUG")

    (empty_folder / ".env").write_text("LOG_LEVEL=WARNING\n")
    assert (Settings().environment, Settings().log_level) == ("dev", "WARNING")


def test_an_env_file_in_another_encoding_is_told(empty_folder):
    (empty_folder / ".env").write_bytes(b"LOG_LEVEL=INFO\nNAME=\xff\xfe")
    with pytest.raises(SettingsError, match="save it as UTF-8"):
        Settings()


def test_a_list_that_is_not_json_names_its_field(monkeypatch):
    monkeypatch.setenv("API_KEY", "secret-value")
    monkeypatch.setenv("CURRENCIES", "BRL,canary")
    with pytest.raises(SettingsError, match="CURRENCIES is wrong: write it as JSON") as refused:
        ShopSettings()
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value"), [("CONSUMER_CONCURRENCY", "0"), ("CONSUMER_CONCURRENCY", "10000")]
)
def test_limits_are_checked(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name):
        Settings()


def test_a_secret_is_known_to_the_redactor_and_to_no_repr(monkeypatch):
    monkeypatch.setenv("API_KEY", "canary-of-settings")
    settings = ShopSettings()
    assert "canary" not in repr(settings)
    assert "canary" not in redactor.text("the key canary-of-settings was refused")


def test_aws_variables_of_the_env_files_reach_boto3_and_the_environment_goes_first(empty_folder, monkeypatch):
    for name in ("AWS_REGION", "AWS_PROFILE"):
        monkeypatch.setenv(name, "to be undone at the end of the test")
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "5")
    (empty_folder / ".env").write_text(
        "AWS_REGION=sa-east-1\nAWS_PROFILE=shared\nAWS_MAX_ATTEMPTS=1\nOTHER=1\n"
    )
    (empty_folder / ".env.dev").write_text("AWS_PROFILE=dev\n")
    export_aws_variables()
    assert os.environ["AWS_REGION"] == "sa-east-1"
    assert os.environ["AWS_PROFILE"] == "dev"
    assert os.environ["AWS_MAX_ATTEMPTS"] == "5"
    assert "OTHER" not in os.environ


def shown(refused):
    """The refusal as a caller sees it, and as a log shows it."""
    return f"{refused.value}\n{redactor.text(str(refused.value))}"


def test_a_secret_that_the_project_s_own_validator_refuses_is_masked(monkeypatch):
    class Account(BaseModel):
        host: str
        password: SecretStr = Field(alias="pass")

        @field_validator("password")
        @classmethod
        def refuse(cls, value):
            raise ValueError(f"nested {value.get_secret_value()}")

    class Refusing(Settings):
        api_key: SecretStr
        pin: SecretBytes | None
        accounts: list[Account]
        by_name: dict[str, SecretStr]

        @field_validator("api_key", "pin")
        @classmethod
        def refuse(cls, value):
            raise ValueError(f"bad key {value.get_secret_value()!r}")

        @field_validator("by_name")
        @classmethod
        def refuse_one(cls, value):
            raise ValueError(f"bad {value['a'].get_secret_value()}")

    monkeypatch.setenv("API_KEY", "canary-refused-key")
    monkeypatch.setenv("PIN", "canary-refused-pin")
    monkeypatch.setenv("ACCOUNTS", '[{"host": "localhost", "pass": "canary-refused-nested"}]')
    monkeypatch.setenv("BY_NAME", '{"a": "canary-refused-mapping"}')
    with pytest.raises(SettingsError) as refused:
        Refusing()
    assert "canary" not in shown(refused)
    assert "API_KEY is wrong: bad key '***'" in redactor.text(str(refused.value))
    assert "PIN is wrong: bad key b'***'" in str(refused.value)
    assert "ACCOUNTS__0__PASS is wrong: nested ***" in str(refused.value)
    assert "BY_NAME is wrong: bad ***" in str(refused.value)
    assert redactor.text("on localhost") == "on localhost"


@pytest.mark.parametrize("mode", ["before", "after"])
def test_a_secret_that_a_validator_of_all_refuses_is_masked_and_so_is_an_argument(mode):
    class Refusing(Settings):
        api_key: SecretStr

        @model_validator(mode=mode)
        def refuse(self, *_):
            raise ValueError(f"bad key canary-of-{mode}")

    with pytest.raises(SettingsError, match=r"bad key \*\*\*") as refused:
        Refusing(api_key=f"canary-of-{mode}")
    assert "canary" not in shown(refused)


def test_a_text_that_is_declared_to_be_from_a_secret_is_masked_wherever_it_comes_from(monkeypatch):
    class Declared(Settings):
        db_user: Annotated[str, FromSecret("shop/db", key="username")]
        db_password: Annotated[str, FromSecret("shop/db", key="password")]
        whole: Annotated[dict[str, str], FromSecret("shop/db")]
        token: Annotated[str, FromSecret("shop/token")] | None = None

    monkeypatch.setenv("DB_USER", "ordinary-word")
    monkeypatch.setenv("DB_PASSWORD", "canary-injected")
    monkeypatch.setenv("WHOLE", '{"host": "ordinary-host", "password": "canary-in-the-whole"}')
    Declared(token="canary-argument")
    text = redactor.text("canary-injected canary-in-the-whole canary-argument ordinary-word ordinary-host")
    assert text == "*** *** *** ordinary-word ordinary-host"


def test_what_is_wrong_is_readable_in_a_log_though_the_name_is_telling(monkeypatch):
    class Telling(Settings):
        api_key: Annotated[str, Field(min_length=40)]
        auth_tokens: list[str]
        db_password: str
        tags: list[str]

    monkeypatch.setenv("API_KEY", "short")
    monkeypatch.setenv("AUTH_TOKENS", "no json")
    monkeypatch.setenv("SECRET_NAME", "shop")
    monkeypatch.setenv("SECRETS_NAM", "shop")
    with pytest.raises(SettingsError) as refused:
        Telling()
    text = redactor.text(str(refused.value))
    assert text == str(refused.value)
    assert "API_KEY is wrong: String should have at least 40 characters" in text
    assert "AUTH_TOKENS is wrong: write it as JSON" in text
    assert "DB_PASSWORD, TAGS are not set: set it in the environment or in .env" in text
    assert "SECRET_NAME, SECRETS_NAM are not read by Blackcat: did you mean SECRETS_NAME?" in text
