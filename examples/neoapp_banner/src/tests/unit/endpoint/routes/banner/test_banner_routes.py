"""Banners over HTTP: each rule has its answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from ......domain.operations.banner_operations import BannerOperations
from ......endpoint.main import build_app
from ......endpoint.utils import given
from .....fakes import FixedText, FrozenClock, InMemoryDatabase, ListModerator

WANTED = {
    "banner_id": "summer",
    "title": "Summer sale",
    "image_url": "https://example.com/a.png",
    "audience": "customers",
    "starts_at": "2030-01-31T00:00:00Z",
    "ends_at": "2030-02-28T00:00:00Z",
}


@pytest.fixture
def client() -> Iterator[TestClient]:
    moderator = ListModerator({"blood": "violence"})
    operations = BannerOperations(
        FrozenClock(), InMemoryDatabase(banners=["banner_id"]), moderator, FixedText("Summer")
    )
    app = build_app()
    app.dependency_overrides[given(BannerOperations)] = lambda: operations
    with TestClient(app) as client:
        yield client


def test_a_banner_is_created_shown_and_withdrawn(client: TestClient) -> None:
    created = client.post("/banner", json=WANTED)
    assert created.status_code == 201
    assert client.post("/banner", json=WANTED).json() == created.json()
    assert client.get("/banner/summer").json() == created.json()
    assert [shown["banner_id"] for shown in client.get("/banner?audience=customers").json()] == ["summer"]
    assert client.get("/banner").json() == []
    assert client.delete("/banner/summer").status_code == 204
    assert client.get("/banner?audience=customers").json() == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"title": "blood"}, "the title cannot be shown: violence"),
        ({"ends_at": "2029-01-01T00:00:00Z"}, "ends_at must be later than starts_at"),
        ({"audience": "nobody"}, "the request is not as it should be"),
    ],
)
def test_what_breaks_a_rule_is_answered_with_the_rule(
    client: TestClient, wrong: dict[str, Any], said: str
) -> None:
    answer = client.post("/banner", json={**WANTED, **wrong})
    assert (answer.status_code, answer.json()["detail"]) == (422, said)


def test_a_banner_that_is_not_there_is_not_found(client: TestClient) -> None:
    for answer in (client.get("/banner/winter"), client.delete("/banner/winter")):
        assert (answer.status_code, answer.json()["detail"]) == (404, "there is no banner 'winter'")


def test_a_title_is_suggested(client: TestClient) -> None:
    assert client.post("/banner/title", json={"about": "our summer sale"}).json() == {"title": "Summer"}
