"""Settings that are kept in Secrets Manager and SSM Parameter Store."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import AliasChoices, BaseModel, Field, SecretBytes, SecretStr

from blackcat import FromParameter, FromSecret, Settings
from blackcat.application.clock import SystemClock
from blackcat.application.parameters import CachedParameters
from blackcat.application.ports import Parameter
from blackcat.application.secrets import CachedSecrets
from blackcat.errors import AccessDenied, InvalidDeclaration, SettingsError, Unreachable
from blackcat.infra.redaction import redactor
from blackcat.infra.settings.stores import Place, Stores, read_with
from blackcat.resources import SecretResource
from blackcat.testing import InMemorySecretStore

CANARY = "canary-7d1e/of+the=shop"
ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop/db-AbCdEf"
VERSION = "a1b2c3d4-5678-90ab-cdef-EXAMPLE11111"
DATABASE = {"username": "shop", "password": CANARY, "port": 5432, "hosts": ["a", "b"]}


class ShopSettings(Settings):
    db_user: Annotated[str, FromSecret("shop/db", key="username")]
    db_password: Annotated[SecretStr, FromSecret("shop/db", key="password")]
    db_port: Annotated[int, FromSecret("shop/db", key="port")] = 1
    motto: str = "none"


class Parameters:
    """A parameter store in memory; ``calls`` are the names of each call."""

    def __init__(self) -> None:
        self.held: dict[str, Parameter] = {}
        self.calls: list[Sequence[str]] = []
        self.error: Exception | None = None

    def put(self, name: str, value: str, *, secret: bool = False) -> None:
        self.held[name] = Parameter(name, value, secret)

    def get(self, names: Sequence[str]) -> Mapping[str, Parameter]:
        self.calls.append(names)
        if self.error:
            raise self.error
        return {name: self.held[name] for name in names if name in self.held}


@pytest.fixture
def secrets() -> InMemorySecretStore:
    return InMemorySecretStore({"shop/db": DATABASE})


@pytest.fixture
def parameters() -> Parameters:
    return Parameters()


@pytest.fixture
def places() -> list[Place]:
    return []


@pytest.fixture(autouse=True)
def opened(
    secrets: InMemorySecretStore,
    parameters: Parameters,
    places: list[Place],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[None]:
    """The stores of this test behind Settings, in an empty folder."""
    from blackcat import entrypoints

    monkeypatch.chdir(tmp_path)
    for name in ("SERVICE_NAME", "ENVIRONMENT", "AWS_REGION", "AWS_ENDPOINT_URL", "RESOURCE_PREFIX"):
        monkeypatch.delenv(name, raising=False)
    cached = CachedSecrets(secrets, clock=SystemClock())
    stores = Stores(cached, CachedParameters(parameters, clock=SystemClock()))

    def open_stores(place: Place) -> Stores:
        places.append(place)
        return stores

    read_with(open_stores)
    yield
    read_with(entrypoints.open_stores)


def refused(cls: type[Settings]) -> str:
    """What the refusal says, after a look at everything that shows it."""
    with pytest.raises(SettingsError) as raised:
        cls()
    shown = "".join(traceback.format_exception(raised.value))
    assert "canary" not in shown
    return str(raised.value)


def test_fields_come_from_a_secret_which_is_asked_for_once(secrets: InMemorySecretStore) -> None:
    settings = ShopSettings()
    assert (settings.db_user, settings.db_port) == ("shop", 5432)
    assert settings.db_password.get_secret_value() == CANARY
    ShopSettings()
    assert secrets.calls == ["shop/db"]


def test_nothing_is_called_when_no_setting_is_kept_in_aws(places: list[Place]) -> None:
    class Plain(Settings):
        motto: str = "none"

    assert Plain().motto == "none"
    assert places == []


def test_nothing_is_called_when_a_stronger_source_has_all(
    places: list[Place], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("DB_PASSWORD=from the file\n")
    monkeypatch.setenv("DB_USER", "from the environment")
    settings = ShopSettings(db_port=1)
    assert settings.db_user == "from the environment"
    assert settings.db_password.get_secret_value() == "from the file"
    assert places == []


def test_an_argument_that_is_none_is_given(places: list[Place]) -> None:
    class Optional(Settings):
        token: Annotated[str, FromSecret("shop/gone")] | None = None

    assert Optional(token=None).token is None
    assert places == []


def test_the_stronger_sources_say_where_aws_is(
    places: list[Place], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("AWS_REGION=sa-east-1\nRESOURCE_PREFIX=p_\n")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    ShopSettings()
    ShopSettings(aws_region="eu-west-1")
    assert places[0] == Place("sa-east-1", "http://127.0.0.1:1", "p_")
    assert {place.region for place in places} == {"sa-east-1", "eu-west-1"}


def test_a_declared_secret_bears_the_prefix_and_a_name_does_not(
    secrets: InMemorySecretStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Prefixed(Settings):
        declared: Annotated[str, FromSecret(SecretResource("shop/db"), key="username")]
        named: Annotated[str, FromSecret("shop/db", key="username")]

    secrets.put("staging_shop/db", {"username": "staged"})
    monkeypatch.setenv("RESOURCE_PREFIX", "staging_")
    settings = Prefixed()
    assert (settings.declared, settings.named) == ("staged", "shop")


@pytest.mark.parametrize("pointer", ["shop/other", "shop/other:key", f"{ARN}", f"{ARN}:key"])
def test_a_variable_points_a_field_at_another_secret(
    secrets: InMemorySecretStore, monkeypatch: pytest.MonkeyPatch, pointer: str
) -> None:
    by_key = pointer.endswith(":key")
    name = "shop/db" if pointer.startswith("arn:") else "shop/other"
    secrets.put(name, {**DATABASE, "key": CANARY} if by_key else CANARY)
    monkeypatch.setenv("MOTTO_SECRET", pointer)
    monkeypatch.setenv("DB_USER", "x")
    monkeypatch.setenv("DB_PASSWORD", "x")
    monkeypatch.setenv("DB_PORT", "1")
    assert ShopSettings().motto == CANARY


def test_ecs_form_names_stage_and_version(secrets: InMemorySecretStore) -> None:
    first = FromSecret.parse(f"{ARN}::AWSPREVIOUS")
    assert (first.secret, first.key, first.stage) == (ARN, None, "AWSPREVIOUS")
    whole = FromSecret.parse(f"{ARN}:key::{VERSION}")
    assert (whole.key, whole.stage, whole.version_id) == ("key", "AWSCURRENT", VERSION)


@pytest.mark.parametrize(
    "text", ["", "a b", "shop/db:a:b:c:d", "shop/db:key::short", "arn:aws:sqs:eu-west-1:123456789012:orders"]
)
def test_what_names_no_secret_is_refused(text: str) -> None:
    with pytest.raises(InvalidDeclaration):
        FromSecret.parse(text)


def test_a_pointer_that_names_no_secret_is_told_with_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_PASSWORD_SECRET", "a b")
    text = refused(ShopSettings)
    assert "DB_PASSWORD is wrong in DB_PASSWORD_SECRET" in text
    assert "not set" not in text


@pytest.mark.parametrize("name", ["", " ", "/shop/a b"])
def test_what_names_no_parameter_is_refused(name: str) -> None:
    with pytest.raises(InvalidDeclaration, match="the parameter's name"):
        FromParameter(name)


def test_what_cannot_be_asked_for_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, places: list[Place]
) -> None:
    class Pointed(Settings):
        first: str
        second: str

    monkeypatch.setenv("FIRST_SECRET", "shop/db:key::short")
    monkeypatch.setenv("SECOND_PARAMETER", "/shop/a b")
    text = refused(Pointed)
    assert "FIRST is wrong in FIRST_SECRET: the version_id of a secret has 32 to 64 characters, not 5" in text
    assert "SECOND is wrong in SECOND_PARAMETER: write the parameter's name" in text
    assert "\n" not in text
    assert places == []


def test_a_shared_secret_that_names_a_setting_twice_is_told(
    secrets: InMemorySecretStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Shared(Settings):
        maximum_amount: int = 1

    secrets.put("shop/settings", {"MAXIMUM_AMOUNT": 1000, "maximum_amount": 2000, "other": 1, "OTHER": 2})
    monkeypatch.setenv("SECRETS_NAME", "shop/settings")
    assert (
        "MAXIMUM_AMOUNT is wrong: secret 'shop/settings' has MAXIMUM_AMOUNT and maximum_amount: "
        "keep one of them" in refused(Shared)
    )


def test_a_variable_that_is_a_field_itself_points_at_nothing(
    monkeypatch: pytest.MonkeyPatch, places: list[Place]
) -> None:
    class Stripe(Settings):
        stripe: str = "none"
        stripe_secret: str = "none"

    monkeypatch.setenv("STRIPE_SECRET", "value")
    assert Stripe().stripe_secret == "value"
    assert places == []


def test_one_secret_may_hold_all_settings(
    secrets: InMemorySecretStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Shared(Settings):
        api_key: SecretStr
        currencies: list[str]
        hosts: list[str] = []
        aliased: str = Field(default="", validation_alias=AliasChoices("SHOP_ALIASED"))
        motto: str = "none"

    held = {
        "API_KEY": CANARY,
        "currencies": ["BRL"],
        "HOSTS": '["a"]',
        "SHOP_ALIASED": "x-y-z",
        "LOG_LEVEL": "WARNING",
    }
    secrets.put("shop/settings", held)
    monkeypatch.setenv("SECRETS_NAME", "shop/settings")
    settings = Shared()
    assert settings.api_key.get_secret_value() == CANARY
    assert (settings.currencies, settings.hosts, settings.aliased) == (["BRL"], ["a"], "x-y-z")
    assert (settings.motto, settings.log_level) == ("none", "WARNING")
    assert redactor.text("level WARNING") == "level WARNING"
    assert redactor.text("aliased x-y-z") == "aliased ***"
    monkeypatch.setenv("LOG_LEVEL", "ERROR")
    assert Shared().log_level == "ERROR"


@pytest.mark.parametrize("content", ["no json", "[1]", b"\x00"])
def test_a_shared_secret_that_is_no_object_is_told_once(
    secrets: InMemorySecretStore, monkeypatch: pytest.MonkeyPatch, content: Any
) -> None:
    secrets.put("shop/settings", content)
    monkeypatch.setenv("SECRETS_NAME", "shop/settings")
    assert refused(Settings).count("SECRETS_NAME cannot be read: secret 'shop/settings'") == 1


def test_whole_secrets_and_rich_types(secrets: InMemorySecretStore) -> None:
    class Database(BaseModel):
        username: str
        password: SecretStr

    class Rich(Settings):
        database: Annotated[Database, FromSecret("shop/db")]
        hosts: Annotated[list[str], FromSecret("shop/db", key="hosts")]
        certificate: Annotated[SecretBytes, FromSecret("shop/certificate")]
        token: Annotated[SecretStr, FromSecret("shop/token")] | None = None

    secrets.put("shop/certificate", b"\x00canary")
    secrets.put("shop/token", CANARY)
    settings = Rich()
    assert settings.database.password.get_secret_value() == CANARY
    assert settings.hosts == ["a", "b"]
    assert settings.certificate.get_secret_value() == b"\x00canary"
    assert settings.token is not None
    assert settings.token.get_secret_value() == CANARY
    assert "canary" not in repr(settings)


def test_parameters_come_in_one_call(parameters: Parameters, monkeypatch: pytest.MonkeyPatch) -> None:
    class Parametrized(Settings):
        url: Annotated[str, FromParameter("/shop/url")]
        password: Annotated[str, FromParameter("/shop/password")]
        motto: str = "none"

    parameters.put("/shop/url", "http://plain-parameter")
    parameters.put("/shop/password", "canary-of-a-parameter", secret=True)
    parameters.put("/shop/motto", "pointed at")
    monkeypatch.setenv("MOTTO_PARAMETER", "/shop/motto")
    settings = Parametrized()
    assert (settings.url, settings.motto) == ("http://plain-parameter", "pointed at")
    assert settings.password == "canary-of-a-parameter"
    Parametrized()
    assert [sorted(names) for names in parameters.calls] == [["/shop/motto", "/shop/password", "/shop/url"]]
    assert redactor.text("http://plain-parameter") == "http://plain-parameter"
    assert "canary" not in redactor.text("canary-of-a-parameter")


def test_secrets_go_before_parameters(secrets: InMemorySecretStore, parameters: Parameters) -> None:
    class Both(Settings):
        secrets_name: str | None = "shop/settings"
        url: Annotated[str, FromParameter("/shop/url")] = "none"

    parameters.put("/shop/url", "from the parameter")
    secrets.put("shop/settings", {"MOTTO": "x"})
    assert Both(secrets_name="shop/settings").url == "from the parameter"
    assert FromSecret("shop/db") != FromParameter("shop/db")


def test_all_problems_are_told_at_once_without_a_value(
    secrets: InMemorySecretStore, parameters: Parameters, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Wrong(Settings):
        gone: Annotated[SecretStr, FromSecret("shop/gone")]
        gone_too: Annotated[SecretStr, FromSecret("shop/gone", key="b")] = SecretStr("default")
        keyless: Annotated[SecretStr, FromSecret("shop/db", key="pasword")]
        number: Annotated[int, FromSecret("shop/db", key="password")]
        currencies: Annotated[list[str], FromSecret("shop/db", key="password")]
        url: Annotated[str, FromParameter("/shop/gone")]
        required: str
        listed: list[str]
        maximum: int = 1

    monkeypatch.setenv("MAXIMUM", CANARY)
    monkeypatch.setenv("LISTED", CANARY)
    monkeypatch.setenv("CONSUMER_CONCURENCY", "3")
    text = refused(Wrong)
    assert "GONE, GONE_TOO cannot be read: there is no such secret" in text
    assert "KEYLESS cannot be read: secret 'shop/db' has no key 'pasword' (did you mean 'password'?)" in text
    assert "CURRENCIES is wrong: what secret shop/db holds for it is not JSON" in text
    assert "URL cannot be read: there is no parameter '/shop/gone'" in text
    assert "REQUIRED is not set: set it in the environment or in .env" in text
    assert "LISTED is wrong: write it as JSON" in text
    assert "NUMBER, MAXIMUM are wrong: Input should be a valid integer" in text
    assert "CONSUMER_CONCURENCY is not read by Blackcat: did you mean CONSUMER_CONCURRENCY?" in text
    assert secrets.calls.count("shop/gone") == 1


@pytest.mark.parametrize("error", [Unreachable("no answer"), AccessDenied("kms:Decrypt")])
def test_a_store_that_cannot_be_read_is_told(parameters: Parameters, error: Exception) -> None:
    class Parametrized(Settings):
        url: Annotated[str, FromParameter("/shop/url")]
        other: Annotated[str, FromParameter("/shop/other")] = "default"

    parameters.error = error
    assert f"URL, OTHER cannot be read: {error}" in refused(Parametrized)
    assert len(parameters.calls) == 1


def test_after_an_outage_nothing_more_is_asked(secrets: InMemorySecretStore, monkeypatch: Any) -> None:
    class Two(Settings):
        first: Annotated[str, FromSecret("shop/a")]
        second: Annotated[str, FromSecret("shop/b")]
        third: Annotated[str, FromParameter("/shop/c")]

    class Silent(InMemorySecretStore):
        def get(self, name: str, **version: Any) -> Any:
            self.calls.append(name)
            raise Unreachable("no answer")

    silent = Silent()
    parameters = Parameters()
    read_with(lambda place: Stores(silent, parameters))
    assert "FIRST, SECOND, THIRD cannot be read: no answer" in refused(Two)
    assert silent.calls == ["shop/a"]
    assert parameters.calls == []


def test_a_process_that_opens_no_store_says_so() -> None:
    read_with(None)
    assert "DB_USER, DB_PASSWORD, DB_PORT cannot be read: nothing in this process reads AWS" in refused(
        ShopSettings
    )


def test_what_came_from_a_secret_is_masked_in_every_form() -> None:
    ShopSettings()
    for text in (
        CANARY,
        f'{{"password": "{CANARY}"}}',
        "postgres://shop:canary-7d1e%2Fof%2Bthe%3Dshop@db/shop",
        "x=canary-7d1e%2fof%2bthe%3dshop",
        f"{DATABASE}",
    ):
        assert "canary" not in redactor.text(text)
    # The user, the engine and the port of a database are no secrets, and words that logs are full of.
    assert redactor.text("service shop on 5432") == "service shop on 5432"
