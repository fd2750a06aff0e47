"""The environment of the services that dev runs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values

from blackcat.application.dev.account import away_from_accounts, check_endpoints
from blackcat.application.iam.drift import TOLD, WATCH
from blackcat.errors import SettingsError
from blackcat.infra.project.dev_session import dev_folder
from blackcat.infra.settings.configuration import dotenv_files

# What suits a developer's machine, unless the environment or an .env file says otherwise.
DEFAULTS = {
    "LOG_FORMAT": "console",
    "HOST": "127.0.0.1",
    "HEALTH_HOST": "127.0.0.1",
    "API_WORKERS": "1",
    # A stop lets the poll under way come back: a restart should not take ten seconds for it.
    "CONSUMER_WAIT_SECONDS": "1",
}


def from_dotenv() -> dict[str, str]:
    """What the ``.env`` files of the working directory say, the stronger one on top. Raises SettingsError."""
    said: dict[str, str] = {}
    for file in dotenv_files():
        try:
            said.update({name: value for name, value in dotenv_values(file).items() if value is not None})
        except UnicodeDecodeError:
            raise SettingsError(f"{file} is not UTF-8: save it as UTF-8") from None
    return said


def told() -> dict[str, str]:
    """What the environment says, or else the ``.env`` files. Raises SettingsError."""
    return {**from_dotenv(), **{name: value for name, value in os.environ.items() if value}}


def services_environment(root: Path, aws: Mapping[str, str]) -> dict[str, str]:
    """What every service gets; ``aws`` leads to the emulator.

    Raises ConfigurationError for an address that leads to a real account.
    """
    dotenv = from_dotenv()
    check_endpoints({**dotenv, **os.environ})
    defaults = {name: value for name, value in DEFAULTS.items() if not told().get(name)}
    own = away_from_accounts(os.environ, dotenv, empty_config=str(_empty_config(root)))
    no_proxy = ",".join(filter(None, [os.environ.get("NO_PROXY"), aws["NO_PROXY"]]))
    return {
        **own,
        **defaults,
        **aws,
        "NO_PROXY": no_proxy,
        "no_proxy": no_proxy,
        "PYTHONUNBUFFERED": "1",
        WATCH: TOLD,
    }


def _empty_config(root: Path) -> Path:
    file = dev_folder(root) / "aws-config"
    file.write_text("[default]\n", encoding="utf-8")
    return file
