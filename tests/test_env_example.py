"""The example's .env.example says what its settings are: all of them, and their defaults."""

from __future__ import annotations

import importlib.util
import re
import sys
from io import StringIO
from pathlib import Path

import pytest
from dotenv import dotenv_values
from pydantic import create_model

from blackcat import Settings

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "payment"
TEXT = (EXAMPLE / ".env.example").read_text()
VARIABLES = re.findall(r"^#?([A-Z][A-Z0-9_]*)=(.*)$", TEXT, re.MULTILINE)


@pytest.fixture(scope="module")
def settings() -> type[Settings]:
    path = EXAMPLE / "payment" / "infra" / "config" / "settings.py"
    spec = importlib.util.spec_from_file_location("payment_settings_of_the_example", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # pydantic looks there for what annotations name
    spec.loader.exec_module(module)
    found: type[Settings] = module.PaymentSettings
    return found


def test_every_setting_stands_in_it_once_and_nothing_else(settings: type[Settings]) -> None:
    assert sorted(name for name, _ in VARIABLES) == sorted(name.upper() for name in settings.model_fields)


@pytest.mark.parametrize(("name", "text"), VARIABLES)
def test_a_setting_has_its_default_or_where_it_has_none_a_valid_example(
    settings: type[Settings], name: str, text: str
) -> None:
    field = settings.model_fields[name.lower()]
    value = create_model("Setting", value=(field.annotation, field)).model_validate({"value": text}).value
    assert text
    assert value == field.default or field.default in (None, "")


def test_copied_as_it_is_it_says_the_project_s_settings_and_no_other(settings: type[Settings]) -> None:
    own = settings.model_fields.keys() - Settings.model_fields.keys()
    assert set(dotenv_values(stream=StringIO(TEXT))) == {"ENVIRONMENT", *map(str.upper, own)}
