"""The Flask application of a service."""

from __future__ import annotations

import re
import time
from typing import Any
from uuid import uuid4

from flask import Blueprint, Flask, Response, abort, g, request
from flask.json.provider import DefaultJSONProvider

from blackcat.application.entrypoint import load_module
from blackcat.application.events import EventLog
from blackcat.application.ports import Resolver
from blackcat.domain.health import HealthReport
from blackcat.domain.payload import plain
from blackcat.domain.service import Service
from blackcat.entrypoints.rest_api.bodies import TOO_LARGE, bounded_bodies
from blackcat.entrypoints.rest_api.problems import register_problem_handlers
from blackcat.entrypoints.rest_api.views import bind_views
from blackcat.errors import EntrypointError
from blackcat.infra.configuration import Settings
from blackcat.infra.logs import bind_log_fields, clear_log_fields

log = EventLog("blackcat.api")

REQUEST_ID = "X-Request-Id"
# What comes from outside ends up in logs and headers: letters, digits and a few marks.
_REQUEST_ID_FORM = re.compile(r"[A-Za-z0-9._:=@/+-]{1,128}")


def create_app(service: Service, resolver: Resolver | None, settings: Settings) -> Flask:
    """A Flask application with every Blueprint of the service's ``endpoint_module``.

    Views are bound to the container here, so that a missing binding fails the start. Raises
    EntrypointError or InjectionError.
    """
    app = Flask(service.name, static_folder=None)
    app.json = _Json(app)
    app.config["MAX_CONTENT_LENGTH"] = settings.api_max_body_bytes
    # First, so that a project's own hooks run within it.
    _add_request_log(app)
    register_problem_handlers(app)
    for blueprint in _blueprints(service):
        _register(app, blueprint, service)
    bind_views(app, resolver)
    _add_health(app, service)
    # Flask's own way to wrap an application, which its types do not know.
    setattr(app, "wsgi_app", bounded_bodies(app.wsgi_app, settings.api_max_body_bytes))  # noqa: B010
    return app


class _Json(DefaultJSONProvider):
    """JSON as everywhere in Blackcat: ISO 8601 times, decimals as text, dataclasses and models."""

    sort_keys = False

    @staticmethod
    def default(value: Any) -> Any:
        return plain(value)


def _blueprints(service: Service) -> list[Blueprint]:
    subject = f"REST API '{service.name}'"
    module = load_module(service.endpoint_module or "", subject=subject)
    found = {id(value): value for value in vars(module).values() if isinstance(value, Blueprint)}
    if not found:
        raise EntrypointError(
            f"{subject}: module '{service.endpoint_module}' holds no Blueprint: "
            "write blueprint = Blueprint('payments', __name__)"
        )
    return list(found.values())


def _register(app: Flask, blueprint: Blueprint, service: Service) -> None:
    try:
        app.register_blueprint(blueprint)
    except (ValueError, AssertionError) as error:
        raise EntrypointError(f"REST API '{service.name}': {error}") from error


def _add_health(app: Flask, service: Service) -> None:
    def health() -> dict[str, Any]:
        return HealthReport(service.name).as_json()

    app.add_url_rule("/health", "health", health)


def _add_request_log(app: Flask) -> None:
    @app.before_request
    def begin() -> None:
        given = request.headers.get(REQUEST_ID, "")
        g.request_id = given if _REQUEST_ID_FORM.fullmatch(given) else uuid4().hex
        g.started = time.perf_counter()
        bind_log_fields(request_id=g.request_id)
        if request.environ.get(TOO_LARGE):
            abort(413)

    @app.after_request
    def finish(response: Response) -> Response:
        response.headers[REQUEST_ID] = g.request_id
        write = log.debug if request.endpoint == "health" else log.info
        write(
            "request.handled",
            method=request.method,
            route=request.url_rule.rule if request.url_rule else request.path,
            status=response.status_code,
            duration_ms=round((time.perf_counter() - g.started) * 1000, 1),
        )
        return response

    @app.teardown_request
    def forget(_: BaseException | None) -> None:
        clear_log_fields()
