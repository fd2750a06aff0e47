"""The reference keeps step with the routes. An operation that was just generated may wait for its words."""

from __future__ import annotations

import re
from pathlib import Path

from fastapi import APIRouter
from fastapi.routing import APIRoute

from ....endpoint.main import routers

REFERENCE = Path(__file__).parents[3] / "docs" / "api_reference.md"
HEADING = re.compile(r"^### `([A-Z]+ /\S*)`$", re.MULTILINE)
WRITTEN = set(HEADING.findall(REFERENCE.read_text(encoding="utf-8")))


def served(router: APIRouter) -> set[str]:
    routes = [route for route in router.routes if isinstance(route, APIRoute)]
    return {f"{method} {route.path}" for route in routes for method in route.methods or ()}


def test_what_the_reference_says_is_served() -> None:
    assert {route for router in routers() for route in served(router)} >= WRITTEN


def test_an_operation_is_described_with_all_of_its_routes_or_not_yet() -> None:
    for routes in map(served, routers()):
        missing = routes - WRITTEN
        assert missing in (set(), routes), f"docs/api_reference.md lacks {', '.join(sorted(missing))}"
