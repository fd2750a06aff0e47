"""The probes of a REST API, on the port of the API itself."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask, Response, json

from blackcat.application.checks import Health
from blackcat.domain.health import HealthReport
from blackcat.entrypoints.rest_api.running import RunningRequests

PATHS = ("/health", "/health/live", "/health/ready")


def add_probes(app: Flask, health: Health) -> None:
    """The same paths and answers as on a consumer's health server."""
    for path, look in zip(PATHS, (health.overall, health.live, health.ready), strict=True):
        app.add_url_rule(path, path[1:].replace("/", "_"), _view(look))


def api_report(service: str, running: RunningRequests, threads: int) -> HealthReport:
    """Whether this process can serve: it cannot once all threads are stuck but the one that tells so."""
    stuck = running.stuck_count()
    held = f"{stuck} of {threads} threads are held by requests of more than twice their time"
    details = {"in_flight": running.count(), "oldest_request_seconds": round(running.oldest(), 1)}
    if not stuck:
        return HealthReport(service, details=details)
    if stuck >= threads - 1:
        return HealthReport(service, reasons=(held,), details=details)
    return HealthReport(service, degraded=(held,), details=details)


def _view(look: Callable[[], HealthReport]) -> Callable[[], Response]:
    def probe() -> Response:
        report = look()
        return Response(json.dumps(report.as_json()), report.status_code, content_type="application/json")

    return probe
