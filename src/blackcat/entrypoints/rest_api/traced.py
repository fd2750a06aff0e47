"""A span of each request, within that of its caller."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from blackcat.application.tracing import TRACEPARENT, TRACESTATE, Span, Value, tracing
from blackcat.application.xray import TRACE_HEADER
from blackcat.entrypoints.rest_api.bodies import Wsgi

_HEADERS = {
    "HTTP_TRACEPARENT": TRACEPARENT,
    "HTTP_TRACESTATE": TRACESTATE,
    "HTTP_X_AMZN_TRACE_ID": TRACE_HEADER,
}
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def traced(application: Wsgi, quiet: Iterable[str]) -> Wsgi:
    """Around the whole application, so that its log lines tell the trace too; paths in ``quiet`` get none.

    The query string is left out: it may hold what no trace should.
    https://opentelemetry.io/docs/specs/semconv/http/http-spans/
    """
    silent = frozenset(quiet)

    def serve(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ.get("PATH_INFO") in silent:
            return application(environ, start_response)
        method = environ["REQUEST_METHOD"] if environ["REQUEST_METHOD"] in _METHODS else "HTTP"
        parent = {name: environ[header] for header, name in _HEADERS.items() if header in environ}
        with tracing.span(method, kind="server", parent=parent, attributes=_asked(environ)) as span:

            def start(line: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
                _tell(span, method, environ, int(line[:3]))
                return start_response(line, headers, exc_info)

            return application(environ, start)

    return serve


def _asked(environ: dict[str, Any]) -> dict[str, Value]:
    method = environ["REQUEST_METHOD"]
    return {
        "http.request.method": method if method in _METHODS else "_OTHER",
        "url.path": environ.get("PATH_INFO", ""),
        "url.scheme": environ.get("wsgi.url_scheme", "http"),
    }


def _tell(span: Span, method: str, environ: dict[str, Any], status: int) -> None:
    span.set({"http.response.status_code": status})
    # Werkzeug's request stands in the environment until Flask is done with it.
    rule = getattr(environ.get("werkzeug.request"), "url_rule", None)
    if rule is not None:
        span.rename(f"{method} {rule.rule}")
        span.set({"http.route": str(rule.rule)})
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        span.fail(f"answered {status}")
