"""A setting as it is shown: its value or mask, where it came from, what is wrong with it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One setting of one class of settings.

    ``value`` is in JSON's types, and masked when it is secret; ``source`` says where it came from
    ("environment", ".env", "default", or "not set"). ``owner`` is the class that declares it.
    """

    variable: str
    value: Any
    source: str
    owner: str
    problem: str | None = None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)
