"""What all routes share: how they get operations, and how errors are answered."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from blackcat.errors import RemoteError
from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from .. import domain
from ..core.mew.core import mew
from ..core.utils.helpers import ServiceError

log = logging.getLogger(__name__)

# What the caller is told where the reason is for the log alone.
LATER = "something that this needs cannot be reached: send the same request again later"
FAILED = "the request could not be carried out: the reason is in the log"


@dataclass(frozen=True)
class given:  # noqa: N801 - it is called as a function is
    """The dependency that gives an instance of a class, with what its fields need.

    A test puts another in its place: `app.dependency_overrides[given(Operations)] = lambda: Operations(...)`.
    """

    kind: type[Any]

    def __call__(self) -> Any:
        return mew.given(self.kind)


def Given(kind: type[Any]) -> Any:  # noqa: N802 - stands where FastAPI has Depends
    """As an annotation: `operations: Annotated[Operations, Given(Operations)]`."""
    return Depends(given(kind))


def status_of(error: Exception) -> HTTPStatus:
    """What an error means to whoever sent the request.

    A rule's own error derives from LookupError or ValueError, and is defined in the domain: a KeyError of
    Python's is a mistake in the code, not an answer.
    """
    if type(error).__module__.startswith(f"{domain.__name__}."):
        return HTTPStatus.NOT_FOUND if isinstance(error, LookupError) else HTTPStatus.UNPROCESSABLE_ENTITY
    if isinstance(error, ServiceError | RemoteError):
        return HTTPStatus.SERVICE_UNAVAILABLE if error.transient else HTTPStatus.BAD_GATEWAY
    return HTTPStatus.INTERNAL_SERVER_ERROR


def problem(status: HTTPStatus, detail: str, **more: Any) -> JSONResponse:
    """A problem document. https://www.rfc-editor.org/rfc/rfc9457"""
    content = {"title": status.phrase, "status": status.value, "detail": detail, **more}
    return JSONResponse(content, status.value, media_type="application/problem+json")


def on_error(request: Request, error: Exception) -> JSONResponse:
    """The text of a rule's error is for the caller; that of anything else is for the log."""
    status = status_of(error)
    if status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return problem(status, str(error.args[0]) if error.args else status.description)
    log.error("request.failed", exc_info=error, extra={"fields": {"path": request.url.path}})
    return problem(status, LATER if status is HTTPStatus.SERVICE_UNAVAILABLE else FAILED)


def on_http_error(request: Request, error: Exception) -> JSONResponse:
    """What the framework refuses by itself, such as a path or a method that is not there."""
    assert isinstance(error, HTTPException)
    answer = problem(HTTPStatus(error.status_code), str(error.detail))
    answer.headers.update(error.headers or {})
    return answer


def on_invalid_request(request: Request, error: Exception) -> JSONResponse:
    """Which fields are wrong and why, never what was sent in them."""
    assert isinstance(error, RequestValidationError)
    fields = {_field(one): one["msg"] for one in error.errors()}
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "the request is not as it should be", fields=fields)


def _field(problem: Mapping[str, Any]) -> str:
    """``customer.email``; what is no JSON at all is the whole body."""
    if problem["type"] == "json_invalid":
        return "body"
    return ".".join(map(str, problem["loc"][1:])) or "body"
