"""Logs of a service's code that runs within a command."""

from __future__ import annotations

from blackcat.domain.service import Service
from blackcat.entrypoints.cli.place import Place


def log_to_stderr(place: Place, service: Service) -> None:
    """Log as the service would, to what is standard output now: only within ``results_only``."""
    from blackcat.infra.logs.logs import configure_logs

    settings = place.settings
    configure_logs(
        level=settings.log_level,
        format=settings.log_format,
        service=service.name,
        environment=settings.environment,
    )
