"""The function as a process of its own, with all that it needs beside it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from blackcat.infra.postgres_server import missing_postgres
from blackcat.testing.lambda_runtime import LambdaFunction

from ..world import World, running_world

pytest.importorskip("awslambdaric", reason="Lambda's runtime client is missing: pip install awslambdaric")
pytest.importorskip("psycopg", reason="the extra blackcat[postgres] is not installed")


@pytest.fixture(scope="session")
def world() -> Iterator[World]:
    if reason := missing_postgres():
        pytest.skip(reason)
    with running_world() as world:
        migrated = world.script("migrate")
        assert migrated.returncode == 0, migrated.stderr
        yield world


@pytest.fixture(scope="session")
def function(world: World) -> Iterator[LambdaFunction]:
    with world.function() as function:
        yield function
