"""What is done around each request: its id, its log line, its numbers, the headers of its answer."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from typing import Any

from blackcat.application.events import EventLog
from blackcat.application.metrics import metrics
from blackcat.entrypoints.rest_api.bodies import Wsgi
from blackcat.entrypoints.rest_api.headers import complete
from blackcat.entrypoints.rest_api.running import RunningRequests
from blackcat.infra.logs.logs import bind_log_fields, clear_log_fields

log = EventLog("blackcat.api")

REQUEST_ID = "blackcat.request_id"
# What comes from outside ends up in logs and headers: letters, digits and a few marks.
_REQUEST_ID_FORM = re.compile(r"[A-Za-z0-9._:=@/+-]{1,128}")
# A label takes few values, and a client may send any method and path.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_UNMATCHED = "(unmatched)"


def observed(application: Wsgi, running: RunningRequests, quiet: Iterable[str]) -> Wsgi:
    """Around the whole application, so that no hook of a project can leave a request out.

    Routes in ``quiet`` are logged at DEBUG: probes come every few seconds.
    """
    silent = frozenset(quiet)

    def serve(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        given = environ.get("HTTP_X_REQUEST_ID")
        request_id = given if given and _REQUEST_ID_FORM.fullmatch(given) else os.urandom(16).hex()
        environ[REQUEST_ID] = request_id
        status, route = "500", None

        def start(line: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            nonlocal status, route
            status, route = line[:3], _route(environ)
            complete(headers, environ, request_id)
            return start_response(line, headers, exc_info)

        bind_log_fields(request_id=request_id)
        running.begin(request_id)
        if metrics.enabled:
            metrics.gauge("http_requests_in_flight", running.count())
        try:
            return application(environ, start)
        finally:
            seconds = running.end()
            _log(environ, route, int(status), seconds, running.timeout, silent)
            clear_log_fields()
            if metrics.enabled:
                _measure(environ["REQUEST_METHOD"], route or _UNMATCHED, status, seconds, running)

    return serve


def _route(environ: dict[str, Any]) -> str | None:
    """The route's template: werkzeug's request stands in the environment until Flask is done with it."""
    request = environ.get("werkzeug.request")
    rule = request.url_rule if request is not None else None
    return None if rule is None else str(rule.rule)


def _log(
    environ: dict[str, Any],
    route: str | None,
    status: int,
    seconds: float,
    timeout: float,
    silent: frozenset[str],
) -> None:
    # An answer that comes late is sent all the same: what the view did is done.
    late: dict[str, Any] = {"late": True} if seconds > timeout else {}
    write = log.warning if late else log.debug if route in silent else log.info
    write(
        "request.handled",
        method=environ["REQUEST_METHOD"],
        route=route or environ.get("PATH_INFO", ""),
        status=status,
        duration_ms=round(seconds * 1000, 1),
        **late,
    )


def _measure(method: str, route: str, status: str, seconds: float, running: RunningRequests) -> None:
    labels = {"method": method if method in _METHODS else "OTHER", "route": route, "status": status}
    metrics.count("http_requests", **labels)
    metrics.observe("http_request_duration_seconds", seconds, **labels)
    metrics.gauge("http_requests_in_flight", running.count())
