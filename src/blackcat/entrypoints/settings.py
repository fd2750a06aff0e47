"""``Settings`` as ``from blackcat import Settings`` gives it: this package puts AWS behind it."""

from __future__ import annotations

import contextlib

from blackcat.application.entrypoint import load_module
from blackcat.domain.registry import ServiceRegistry
from blackcat.errors import BlackcatError, SettingsError
from blackcat.infra.settings.configuration import Settings, all_problems
from blackcat.infra.settings.problems import explained

__all__ = ["Settings", "start_settings"]


def start_settings(registry: ServiceRegistry) -> Settings:
    """Blackcat's settings. Raises SettingsError, which tells what is wrong with the project's own, too."""
    try:
        return Settings()
    except SettingsError:
        if isinstance(registry.container, str):
            # It imports what declares the project's settings. What does not import has its own error, later.
            with contextlib.suppress(BlackcatError):
                load_module(registry.container.partition(":")[0], subject="container")
        raise SettingsError(explained(all_problems())) from None
