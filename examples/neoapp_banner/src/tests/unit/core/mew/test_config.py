"""Settings come from the environment first, and no secret is ever shown."""

from __future__ import annotations

import pytest
from blackcat import SettingsReader

from .....config import OpenAISettings, Settings
from .....core.mew.config import settings_of


def test_a_key_of_the_environment_goes_before_its_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-this-machine")

    settings = SettingsReader(OpenAISettings)(OpenAISettings)

    assert settings.openai_api_key.get_secret_value() == "sk-of-this-machine"
    assert "sk-of-this-machine" not in repr(settings)


def test_a_class_of_settings_is_read_once_for_all() -> None:
    assert settings_of(Settings) is settings_of(Settings)
