"""A REST API as a Lambda function: each event is one request to the same Flask application."""

from __future__ import annotations

from collections.abc import Callable
from string import printable
from typing import Any
from urllib.parse import quote

from blackcat.application.ports import Resolver
from blackcat.domain.service import Service
from blackcat.entrypoints.aws_lambda.events import Kind
from blackcat.entrypoints.aws_lambda.http_request import complete_request
from blackcat.entrypoints.aws_lambda.http_response import TEXTS, finished
from blackcat.entrypoints.aws_lambda.sources import Invocation, not_for
from blackcat.entrypoints.aws_lambda.wsgi import adapted
from blackcat.entrypoints.rest_api.application import create_app
from blackcat.entrypoints.rest_api.running import RunningRequests
from blackcat.errors import ConfigurationError
from blackcat.infra.settings.configuration import Settings

_TAKES = tuple(kind for kind in Kind if kind.http)


class ApiFunction:
    """Answers requests of API Gateway, function URLs and load balancers.

    A request has API_REQUEST_TIMEOUT_SECONDS, or what the function's own time leaves where that is less.
    """

    def __init__(self, service: Service, resolver: Resolver | None, settings: Settings) -> None:
        self._service = service
        self._timeout = settings.api_request_timeout_seconds
        self._running = RunningRequests(self._timeout)
        app = create_app(service, resolver, settings, running=self._running)
        make = _make_lambda_handler(service)
        self._answer = make(
            adapted(app.wsgi_app), binary_support=True, non_binary_content_type_prefixes=TEXTS
        )

    def __call__(self, invocation: Invocation) -> dict[str, Any]:
        """Raises UnknownEvent for what is no request, and InvalidEvent for one that lacks a field."""
        if not invocation.kind.http:
            raise not_for(self._service, invocation.kind, _TAKES)
        event = complete_request(invocation.event, invocation.kind)
        path = "rawPath" if "rawPath" in event else "path"
        self._running.give(min(self._timeout, invocation.deadline.remaining()))
        answer = self._answer({**event, path: _in_ascii(event[path])}, invocation.context)
        return finished(answer, invocation.kind)


def _make_lambda_handler(service: Service) -> Callable[..., Callable[[dict[str, Any], Any], dict[str, Any]]]:
    try:
        from apig_wsgi import make_lambda_handler  # an extra
    except ImportError as error:
        raise ConfigurationError(
            f"REST API '{service.name}' needs an extra on Lambda: pip install 'blackcat[lambda]'"
        ) from error
    return make_lambda_handler


def _in_ascii(path: str) -> str:
    """API Gateway has decoded it, and apig-wsgi takes it for encoded: what is not ASCII would get lost."""
    return path if path.isascii() else quote(path, safe=printable)
