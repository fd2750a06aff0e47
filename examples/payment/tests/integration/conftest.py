"""The project as it runs in production: each service a process, AWS an emulator.

The fixtures ``aws`` and ``run_service`` come with Blackcat.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from blackcat.infra.project.project import Project, find_project

T = TypeVar("T")

PATIENCE_SECONDS = 60.0


@pytest.fixture(scope="session")
def blackcat_project() -> Project:
    """This one; pytest's root folder is the repository's."""
    return find_project(Path(__file__).parent)


def eventually(what: str, look: Callable[[], T | None]) -> T:
    """What ``look`` gives, as soon as that is true."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := look()):
        assert time.monotonic() < deadline, f"{what}: not within {PATIENCE_SECONDS:.0f} seconds"
        time.sleep(0.05)
    return found
