"""The application finds its routes by itself."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from ....endpoint.main import app, routers


def test_it_answers() -> None:
    assert TestClient(app).get("/health").json() == {"status": "ok"}


def test_every_route_is_found() -> None:
    described = TestClient(app).get("/openapi.json").json()["paths"]

    for router in routers():
        assert any(path.startswith(router.prefix) for path in described)


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nowhere", 404), ("DELETE", "/health", 405)])
def test_what_is_not_there_is_answered_as_every_error(method: str, path: str, status: int) -> None:
    answer = TestClient(app).request(method, path)

    assert (answer.status_code, answer.json()["status"]) == (status, status)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers.get("allow") == ("GET" if status == 405 else None)
