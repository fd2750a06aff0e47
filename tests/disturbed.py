"""Ports whose calls fail, or are overtaken, at a moment that a test chooses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Disturbed:
    """A port that tells of each call, before and after it."""

    def __init__(self, port: object, disturb: Callable[[str, str], None]) -> None:
        self._port = port
        self._disturb = disturb

    def __getattr__(self, name: str) -> Callable[..., Any]:
        call = getattr(self._port, name)

        def disturbed(*given: Any, **named: Any) -> Any:
            self._disturb("before", name)
            answer = call(*given, **named)
            self._disturb("after", name)
            return answer

        return disturbed
