"""Checks of what the project runs on."""

from __future__ import annotations

from blackcat.application.doctor import rules
from blackcat.application.doctor.examination import Results

OLDEST, NEWEST = (3, 10), (3, 14)


def python(version: tuple[int, int]) -> Results:
    """The Python that runs this is one that Blackcat is tested on."""
    if not OLDEST <= version <= NEWEST:
        yield rules.PYTHON_UNTESTED.found("Python", f"this is Python {version[0]}.{version[1]}")
