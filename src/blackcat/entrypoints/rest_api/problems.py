"""Errors as ``application/problem+json`` (RFC 9457)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from flask import Flask, Response, json, request
from werkzeug.exceptions import HTTPException, InternalServerError

from blackcat.application.events import EventLog
from blackcat.application.tracing import tracing
from blackcat.entrypoints.rest_api.observed import REQUEST_ID
from blackcat.errors import DecodingError, TransientError

log = EventLog("blackcat.api")

_RETRY_AFTER_SECONDS = "1"
# Headers that a problem's own body sets anew.
_OF_THE_BODY = {"content-type", "content-length"}


def register_problem_handlers(app: Flask) -> None:
    """Answer every error as a problem: what failed, in which request, never how the code looks inside."""
    app.register_error_handler(HTTPException, _http_exception)
    app.register_error_handler(DecodingError, _payload_error)
    app.register_error_handler(TransientError, _transient_error)
    app.register_error_handler(Exception, _unexpected)


def problem(status: int, detail: str, **members: Any) -> Response:
    """A response that says what went wrong."""
    content = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": request.path,
        "request_id": request.environ.get(REQUEST_ID),
        **members,
    }
    return Response(json.dumps(content), status=status, content_type="application/problem+json")


def report(error: BaseException) -> None:
    """Tell the log and the trace of an error that is not the client's."""
    log.error("request.failed", error=error)
    tracing.fail(error)


def _http_exception(error: HTTPException) -> Response | HTTPException:
    if isinstance(error, InternalServerError) and error.original_exception is not None:
        return _our_failure()  # raised after the view, in a hook or by its answer; Flask had it reported
    if error.response is not None or error.code is None or error.code < HTTPStatus.BAD_REQUEST:
        return error
    answer = problem(error.code, error.description or "")
    for name, value in error.get_headers():
        if name.lower() not in _OF_THE_BODY:
            answer.headers[name] = value
    return answer


def _payload_error(error: DecodingError) -> Response:
    if not error.fields:
        return problem(HTTPStatus.BAD_REQUEST, str(error))
    errors = [{"field": field, "message": message} for field, message in error.fields.items()]
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "some fields are missing or wrong", errors=errors)


def _transient_error(error: TransientError) -> Response:
    report(error)
    answer = problem(
        HTTPStatus.SERVICE_UNAVAILABLE, "a service that this one needs is not available: try again"
    )
    answer.headers["Retry-After"] = _RETRY_AFTER_SECONDS
    return answer


def _unexpected(error: Exception) -> Response:
    report(error)
    return _our_failure()


def _our_failure() -> Response:
    return problem(
        HTTPStatus.INTERNAL_SERVER_ERROR, "something failed on our side; the request id leads to it"
    )
