"""Where settings come from, and that no secret is in the report."""

import sys
from types import ModuleType
from typing import Annotated

import pytest
from pydantic import AliasChoices, BaseModel, Field, SecretStr, field_validator, model_validator
from pydantic_settings import PydanticBaseSettingsSource

from blackcat import FromSecret, SecretName, Settings
from blackcat.infra.settings import report
from blackcat.infra.settings.report import setting_report


class Database(BaseModel):
    host: str
    password: SecretStr


class FromElsewhere(PydanticBaseSettingsSource):
    """A source as a project, or a later Blackcat, may add one."""

    origin = "secret shop/prod"

    def get_field_value(self, field, field_name):
        return ("from-elsewhere" if field_name == "elsewhere" else None), field_name, False

    def __call__(self):
        return {"elsewhere": "from-elsewhere"}


def make_settings():
    class ShopSettings(Settings):
        api_key: SecretStr
        maximum: Annotated[int, Field(gt=0)] = 10
        currencies: list[str] = ["BRL"]
        database: Database | None = None
        database_url: str = ""
        region: str = Field(default="south", validation_alias=AliasChoices("SHOP_REGION", "OLD_REGION"))
        log_level: str = "DEBUG"
        elsewhere: str = "nowhere"

        @classmethod
        def settings_customise_sources(cls, settings_cls, *args, **kwargs):
            sources = super().settings_customise_sources(settings_cls, *args, **kwargs)
            return (*sources, FromElsewhere(settings_cls))

        @model_validator(mode="after")
        def check(self):
            if self.maximum == 13:
                raise ValueError("13 together with these currencies")
            return self

    return ShopSettings


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in (
        "SERVICE_NAME",
        "ENVIRONMENT",
        "API_KEY",
        "MAXIMUM",
        "LOG_LEVEL",
        "SHOP_REGION",
        "OLD_REGION",
    ):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def shop(folder, monkeypatch):
    """The settings of a module that lies in the project's folder."""
    cls = make_settings()
    module = ModuleType("shop_settings_of_a_test")
    module.__file__ = str(folder / "shop" / "settings.py")
    cls.__module__ = module.__name__
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return cls


def reported(folder, owner="ShopSettings"):
    return {one.variable: one for one in setting_report(folder) if one.owner == owner}


def test_blackcat_s_own_settings_have_their_defaults(folder):
    found = reported(folder, "Settings")
    assert (found["HEALTH_PORT"].value, found["HEALTH_PORT"].source) == (8080, "default")
    assert (found["SERVICE_NAME"].value, found["SERVICE_NAME"].source) == (None, "default")
    assert found.keys() == {name.upper() for name in Settings.model_fields}


def test_each_source_is_named(folder, shop, monkeypatch):
    (folder / ".env").write_text(
        "API_KEY=key-of-the-shop\nMAXIMUM=1\nSHOP_REGION=north\nENVIRONMENT=staging\n"
    )
    (folder / ".env.staging").write_text('MAXIMUM=2\nCURRENCIES=["EUR"]\n')
    monkeypatch.setenv("LOG_LEVEL", "ERROR")
    found = reported(folder)
    assert {name: (one.value, one.source) for name, one in found.items()} == {
        "API_KEY": ("***", ".env"),
        "MAXIMUM": (2, ".env.staging"),
        "CURRENCIES": (["EUR"], ".env.staging"),
        "DATABASE": (None, "default"),
        "DATABASE_URL": ("", "default"),
        "SHOP_REGION": ("north", ".env"),
        "LOG_LEVEL": ("ERROR", "environment"),
        "ELSEWHERE": ("from-elsewhere", "secret shop/prod"),
    }
    assert all(one.problem is None for one in found.values())


def test_another_name_of_a_setting_counts(folder, shop, monkeypatch):
    monkeypatch.setenv("OLD_REGION", "west")
    assert reported(folder)["SHOP_REGION"].source == "environment"


def test_what_is_missing_or_wrong_is_told_with_the_rest(folder, shop, monkeypatch):
    monkeypatch.setenv("MAXIMUM", "minus-five")
    monkeypatch.setenv("CURRENCIES", '["EUR"]')
    found = reported(folder)
    assert (found["API_KEY"].source, found["API_KEY"].value) == ("not set", None)
    assert found["API_KEY"].problem == "set it in the environment or in .env"
    assert found["MAXIMUM"].value == "minus-five"
    assert "valid integer" in found["MAXIMUM"].problem
    assert found["CURRENCIES"].problem is None


def test_a_problem_of_blackcat_s_own_setting_is_told_once(folder, shop, monkeypatch):
    monkeypatch.setenv("API_KEY", "key-of-the-shop")
    monkeypatch.setenv("HEALTH_PORT", "70000")
    told = [one for one in setting_report(folder) if one.problem]
    assert [(one.owner, one.variable) for one in told] == [("Settings", "HEALTH_PORT")]


def test_a_problem_of_several_settings_together_belongs_to_their_class(folder, shop, monkeypatch):
    monkeypatch.setenv("API_KEY", "key-of-the-shop")
    monkeypatch.setenv("MAXIMUM", "13")
    assert reported(folder)["ShopSettings"].problem == "13 together with these currencies"


def test_a_list_that_is_no_json_is_told(folder, shop, monkeypatch):
    monkeypatch.setenv("API_KEY", "key-of-the-shop")
    monkeypatch.setenv("CURRENCIES", "EUR,BRL")
    found = reported(folder)
    assert found["CURRENCIES"].source == "environment"
    assert found["CURRENCIES"].problem == "write it as JSON"


def test_a_file_that_is_not_utf8_is_told(folder, shop):
    (folder / ".env").write_bytes(b"API_KEY=\xff\n")
    assert "not UTF-8" in reported(folder)["ShopSettings"].problem


@pytest.mark.parametrize(
    ("given", "shown"),
    [("shop/postgres", "shop/postgres"), ('{"password": "hunter2"}', "***"), ("key-of-the-shop", "***")],
)
def test_the_name_of_a_secret_is_shown_and_a_secret_in_its_place_is_not(
    folder, shop, monkeypatch, given, shown
):
    class NamedSettings(Settings):
        postgres_secret: SecretName = "shop/db"
        other_secret: str = ""

    module = ModuleType("named_settings_of_a_test")
    module.__file__ = str(folder / "shop" / "named.py")
    NamedSettings.__module__ = module.__name__
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setenv("API_KEY", "key-of-the-shop")
    monkeypatch.setenv("POSTGRES_SECRET", given)
    monkeypatch.setenv("OTHER_SECRET", "shop/postgres")
    found = reported(folder, "NamedSettings")
    assert {name: one.value for name, one in found.items()} == {
        "POSTGRES_SECRET": shown,
        "OTHER_SECRET": "***",
    }


@pytest.mark.parametrize("maximum", ["5", "wrong"], ids=["valid", "invalid"])
def test_no_secret_is_in_the_report(folder, shop, monkeypatch, maximum):
    canary = "canary/5f1d+of=the shop"
    monkeypatch.setenv("MAXIMUM", maximum)
    monkeypatch.setenv("API_KEY", canary)
    monkeypatch.setenv("DATABASE", f'{{"host": "db", "password": "{canary}"}}')
    monkeypatch.setenv("DATABASE_URL", "postgres://shop:hunter2canary@db/shop")
    found = reported(folder)
    assert "canary" not in str(found)
    assert found["API_KEY"].value == "***"
    assert found["DATABASE_URL"].value == "postgres://shop:***@db/shop"


def test_a_value_that_the_project_s_validator_repeats_is_not_in_the_report(folder, monkeypatch):
    module = ModuleType("refusing_settings_of_a_test")
    module.__file__ = str(folder / "shop" / "settings.py")
    monkeypatch.setitem(sys.modules, module.__name__, module)

    class Earlier(Settings):
        __module__ = module.__name__
        motto: str

        @field_validator("motto")
        @classmethod
        def refuse(cls, value):
            raise ValueError(f"bad {value}")

    class Later(Settings):
        __module__ = module.__name__
        motto: Annotated[str, FromSecret("shop/db", key="password")]

    monkeypatch.setenv("MOTTO", "canary-repeated")
    assert reported(folder, "Earlier")["MOTTO"].problem == "bad ***"
    assert reported(folder, "Earlier")["MOTTO"].value == "***"
    assert reported(folder, "Later")["MOTTO"].value == "***"


def test_classes_of_other_places_are_not_the_project_s(folder, shop):
    class Elsewhere(Settings):
        of_a_library: int = 1

    assert Elsewhere().of_a_library == 1
    assert {one.owner for one in setting_report(folder)} == {"Settings", "ShopSettings"}


def test_a_setting_that_is_inherited_stands_under_the_class_that_declares_it(folder, shop, monkeypatch):
    class Special(shop):
        extra: int = 1

    Special.__module__ = shop.__module__
    assert reported(folder, "Special").keys() == {"EXTRA"}


def test_labels_are_what_people_look_for():
    assert (report.ENVIRONMENT, report.DEFAULT, report.NOT_SET) == ("environment", "default", "not set")
