"""The logs of a service's process, as its settings say."""

from __future__ import annotations

from collections.abc import Mapping

from blackcat.infra.logs.logs import configure_logs
from blackcat.infra.settings.configuration import Settings


def configure_service_logs(service: str, settings: Settings, identity: Mapping[str, str]) -> None:
    """Every line tells the service, its version and environment, and the ``identity`` of what runs it."""
    configure_logs(
        level=settings.log_level,
        format=settings.log_format,
        service=service,
        environment=settings.environment,
        version=settings.service_version,
        identity=identity,
    )
