"""Settings and secrets as they are now: read at first need, and again every five minutes."""

from __future__ import annotations

from blackcat import SettingsReader

from ...config import OpenAISettings, PagarmeSettings, Settings

# settings_of(OpenAISettings) gives them. List every class that the project needs here: the job `health`
# reads them all, so that a deployment ends where a secret is missing.
settings_of = SettingsReader(Settings, OpenAISettings, PagarmeSettings)
