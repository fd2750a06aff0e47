"""An error is answered by what it means, and tells nothing that is not for the caller."""

from __future__ import annotations

import pytest
from blackcat.errors import AccessDenied, Unreachable
from fastapi import FastAPI
from fastapi.testclient import TestClient

from .... import domain
from ....core.utils.helpers import ServiceError, ServiceUnavailable
from ....endpoint.main import build_app
from ....endpoint.utils import FAILED, LATER

OF_THE_DOMAIN = f"{domain.__name__}.models"


class NotThere(LookupError):
    __module__ = OF_THE_DOMAIN


class NotAllowed(ValueError):
    __module__ = OF_THE_DOMAIN


def answering(error: Exception) -> FastAPI:
    app = build_app()

    @app.get("/failing")
    def failing() -> None:
        raise error

    return app


@pytest.mark.parametrize(
    ("error", "status", "detail"),
    [
        (NotThere("there is no such order"), 404, "there is no such order"),
        (NotAllowed("an order needs lines"), 422, "an order needs lines"),
        (ServiceUnavailable("bank", "secret"), 503, LATER),
        (ServiceError("bank", "secret"), 502, None),
        (Unreachable("secret"), 503, None),
        (AccessDenied("secret"), 502, None),
        (KeyError("secret"), 500, None),
        (RuntimeError("secret"), 500, FAILED),
    ],
)
def test_an_error_is_answered_by_what_it_means(error: Exception, status: int, detail: str | None) -> None:
    answer = TestClient(answering(error), raise_server_exceptions=False).get("/failing")

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"] == detail or detail is None
    assert "secret" not in answer.text


def test_a_wrong_request_is_told_which_fields_are_wrong_and_not_what_was_in_them() -> None:
    app = build_app()

    @app.get("/double")
    def double(number: int) -> int:
        return 2 * number

    answer = TestClient(app).get("/double?number=my-password")

    assert answer.status_code == 422
    assert list(answer.json()["fields"]) == ["number"]
    assert "my-password" not in answer.text


@pytest.mark.parametrize("content", ["", "{not json", "[1]"])
def test_a_body_that_is_no_object_is_told_as_the_body(content: str) -> None:
    app = build_app()

    @app.post("/double")
    def double(numbers: dict[str, int]) -> int:
        return 2 * sum(numbers.values())

    answer = TestClient(app).post("/double", content=content)

    assert answer.status_code == 422
    assert list(answer.json()["fields"]) == ["body"]
