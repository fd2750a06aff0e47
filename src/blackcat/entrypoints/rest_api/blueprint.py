"""Flask's Blueprint, for views that return dataclasses and models."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import flask

View = TypeVar("View", bound=Callable[..., Any])


class Blueprint(flask.Blueprint):
    """Flask's own at run time; to a type checker, a view may return more than Flask itself knows to send."""

    if TYPE_CHECKING:

        def route(self, rule: str, **options: Any) -> Callable[[View], View]: ...
        def get(self, rule: str, **options: Any) -> Callable[[View], View]: ...
        def post(self, rule: str, **options: Any) -> Callable[[View], View]: ...
        def put(self, rule: str, **options: Any) -> Callable[[View], View]: ...
        def patch(self, rule: str, **options: Any) -> Callable[[View], View]: ...
        def delete(self, rule: str, **options: Any) -> Callable[[View], View]: ...
