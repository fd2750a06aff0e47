"""The Flask application of a service."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from flask import Blueprint, Flask, Request
from flask.sansio.blueprints import Blueprint as SansioBlueprint
from flask.sessions import NullSession, SessionInterface

from blackcat.application.checks import Health
from blackcat.application.entrypoint import load_module
from blackcat.application.ports import Resolver
from blackcat.application.tracing import tracing
from blackcat.domain.service import Service
from blackcat.entrypoints.checks import service_checks
from blackcat.entrypoints.platform import with_memory
from blackcat.entrypoints.rest_api.bodies import limit_bodies
from blackcat.entrypoints.rest_api.deadline import EXTENSION
from blackcat.entrypoints.rest_api.documents import add_documents
from blackcat.entrypoints.rest_api.json_answers import JsonAnswers
from blackcat.entrypoints.rest_api.observed import observed
from blackcat.entrypoints.rest_api.probes import PATHS, add_probes, api_report
from blackcat.entrypoints.rest_api.problems import register_problem_handlers, report
from blackcat.entrypoints.rest_api.running import RunningRequests
from blackcat.entrypoints.rest_api.traced import traced
from blackcat.entrypoints.rest_api.views import bind_views
from blackcat.errors import EntrypointError
from blackcat.infra.settings.configuration import Settings


def create_app(
    service: Service,
    resolver: Resolver | None,
    settings: Settings,
    *,
    running: RunningRequests | None = None,
    stopping: Callable[[], bool] = lambda: False,
) -> Flask:
    """A Flask application with every Blueprint of the service's ``endpoint_module``, imported ones too.

    One that is nested in another is served there only.

    Views are bound to the container here, so that a missing binding fails the start. ``running`` is
    where a server looks for stuck requests, ``stopping`` tells whether the process was asked to stop.
    Raises EntrypointError or InjectionError.
    """
    app = _Application(service.name, static_folder=None)
    app.json = JsonAnswers(app)
    limit_bodies(app, settings.api_max_body_bytes)
    register_problem_handlers(app)
    for blueprint in _blueprints(service):
        _register(app, blueprint, service)
    if app.secret_key is None:
        app.session_interface = _NoSessions()
    bind_views(app, resolver)
    described = frozenset(app.view_functions)
    running = running or RunningRequests(settings.api_request_timeout_seconds)
    app.extensions[EXTENSION] = running
    # After the project's own routes, which go first where both have a path.
    add_probes(app, _health(service, resolver, settings, running, stopping))
    if settings.docs_are_served:
        add_documents(app, title=service.name, version=settings.service_version, described=described)
    watched = observed(app.wsgi_app, running, quiet=PATHS)
    # Flask's own way to wrap an application, which its types do not know.
    setattr(app, "wsgi_app", traced(watched, quiet=PATHS) if tracing.enabled else watched)  # noqa: B010
    return app


def _health(
    service: Service,
    resolver: Resolver | None,
    settings: Settings,
    running: RunningRequests,
    stopping: Callable[[], bool],
) -> Health:
    return Health(
        report=lambda: with_memory(api_report(service.name, running, settings.api_threads)),
        checks=service_checks(service, resolver),
        stopping=stopping,
    )


class _Application(Flask):
    """Flask, without looking in each request for hooks that nobody registered.

    Whatever is raised in a request is logged and answered; nothing that is ends the process.
    """

    def full_dispatch_request(self, *context: Any) -> Any:
        try:
            return super().full_dispatch_request(*context)
        except Exception:
            raise
        except BaseException as end:
            raise _failure(end) from end

    def process_response(self, *context: Any) -> Any:
        """Run the hooks after a request, which Flask does after a failure too."""
        try:
            return super().process_response(*context)
        except Exception:
            raise
        except BaseException as end:
            raise _failure(end) from end

    def log_exception(self, *context: Any) -> None:
        """Log what was raised after the view, for which a project may have a handler of its own."""
        _, error, _ = context[-1]
        report(error)

    def preprocess_request(self, *context: Any) -> Any:
        if self.before_request_funcs or self.url_value_preprocessors:
            return super().preprocess_request(*context)
        return None


def _failure(end: BaseException) -> RuntimeError:
    """What to raise instead: the process or the thread would end, and every other request that it serves."""
    return RuntimeError(f"the view or a hook raised {type(end).__name__}")


class _NoSessions(SessionInterface):
    """Without a secret key there are none, which Flask would find out anew with each request."""

    def open_session(self, app: Flask, request: Request) -> NullSession:
        return self.make_null_session(app)


def _blueprints(service: Service) -> list[Blueprint]:
    subject = f"REST API '{service.name}'"
    module = load_module(service.endpoint_module or "", subject=subject)
    found = {id(value): value for value in vars(module).values() if isinstance(value, Blueprint)}
    if not found:
        raise EntrypointError(
            f"{subject}: module '{service.endpoint_module}' holds no Blueprint: "
            "write blueprint = Blueprint('payments', __name__)"
        )
    # A nested one is served by its parent, behind the parent's prefix and hooks, and nowhere else.
    nested = {id(child) for blueprint in found.values() for child in _nested_in(blueprint)}
    return [blueprint for key, blueprint in found.items() if key not in nested]


def _nested_in(blueprint: SansioBlueprint) -> Iterator[SansioBlueprint]:
    for child, _ in blueprint._blueprints:  # Flask has no public name for it
        yield child
        yield from _nested_in(child)


def _register(app: Flask, blueprint: Blueprint, service: Service) -> None:
    try:
        app.register_blueprint(blueprint)
    except (ValueError, AssertionError) as error:
        raise EntrypointError(f"REST API '{service.name}': {error}") from error
