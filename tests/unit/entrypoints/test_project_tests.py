"""Where the tests of a project find their emulator."""

import pytest

from blackcat import Service, ServiceType
from blackcat.entrypoints.project_tests import drain_service, emulator_url
from blackcat.errors import ConfigurationError, InvalidDeclaration
from blackcat.infra.project.project import Project
from blackcat.testing import InMemoryBroker

LOCAL = "http://127.0.0.1:4566"


@pytest.fixture(autouse=True)
def no_address(monkeypatch):
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)


def test_the_projects_own_address_is_taken(tmp_path):
    with emulator_url(Project(tmp_path, {"emulator": LOCAL})) as url:
        assert url == LOCAL


def test_the_environments_address_goes_first(tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:5000")
    with emulator_url(Project(tmp_path, {"emulator": LOCAL})) as url:
        assert url == "http://127.0.0.1:5000"


@pytest.mark.parametrize("address", ["https://sqs.eu-west-1.amazonaws.com", "http://"])
def test_aws_itself_is_never_an_emulator(tmp_path, monkeypatch, address):
    with (
        pytest.raises(ConfigurationError, match="emulator"),
        emulator_url(Project(tmp_path, {"emulator": address})),
    ):
        pass
    monkeypatch.setenv("AWS_ENDPOINT_URL", address)
    with pytest.raises(ConfigurationError, match="AWS_ENDPOINT_URL"), emulator_url(Project(tmp_path)):
        pass


def test_only_a_consumer_can_be_drained():
    worker = Service(name="count", type=ServiceType.WORKER, entrypoint=lambda: None)
    with pytest.raises(InvalidDeclaration, match="'count' is none"):
        drain_service(worker, container=None, broker=InMemoryBroker(), most=1)
