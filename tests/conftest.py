"""One embedded emulator per test process, started when a test first asks for it."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator

import hypothesis
import pytest

from blackcat.adapters_aws import AwsOptions
from blackcat.infra.emulator import REGION, Emulator, running_emulator

# No test depends on the speed of the machine.
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulator]:
    """A running emulator, shared by the tests of one process: keep apart by names, never reset it."""
    with running_emulator() as running:
        # boto3 takes credentials from the environment only; the address goes through AwsOptions.
        credentials = {name: value for name, value in running.environment().items() if "KEY" in name}
        before = {name: os.environ.get(name) for name in credentials}
        os.environ.update(credentials)
        yield running
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@pytest.fixture(scope="session")
def aws_options(emulator: Emulator) -> AwsOptions:
    """Options that lead to the emulator."""
    return AwsOptions(region=REGION, endpoint_url=emulator.url)


@pytest.fixture
def unique() -> str:
    """A name, or a prefix of names, that no other test uses."""
    return f"t{uuid.uuid4().hex[:12]}"
