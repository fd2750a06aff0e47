"""Every service is built as its process would, and each that would not start is named."""

from dataclasses import dataclass
from typing import Protocol

import punq
import pytest

from blackcat import Service, ServiceRegistry, ServiceType
from blackcat.entrypoints.rehearsal import rehearse
from blackcat.errors import ConfigurationError

HERE = __name__


class Port(Protocol):
    def execute(self) -> None: ...


class Adapter:
    def execute(self) -> None:
        raise AssertionError("nothing runs in a rehearsal")


@dataclass(frozen=True)
class Consumer:
    port: Port

    def __call__(self, body: dict) -> None:
        self.port.execute()


def job(port: Port) -> None:
    port.execute()


def bound():
    container = punq.Container()
    container.register(Port, instance=Adapter())
    return container


def consumer(**changed):
    return Service(
        **{
            "name": "take",
            "type": ServiceType.CONSUMER,
            "entrypoint": Consumer,
            "queue_name": "take",
            **changed,
        }
    )


def worker(**changed):
    return Service(**{"name": "work", "type": ServiceType.WORKER, "entrypoint": job, **changed})


def api(module):
    return Service(name="serve", type=ServiceType.REST_API, endpoint_module=module)


@pytest.fixture
def module(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "rehearsed_api.py").write_text(
        "from flask import Blueprint\n"
        "blueprint = Blueprint('orders', __name__)\n"
        "class Orders: ...\n"
        "@blueprint.get('/orders')\n"
        "def orders(all_orders: Orders): return {}\n"
    )
    return "rehearsed_api"


def test_a_registry_without_services_needs_nothing():
    rehearse(ServiceRegistry([]))


def test_services_that_would_start_are_not_run():
    rehearse(ServiceRegistry([consumer(), worker()], container=bound))


def test_each_service_that_would_not_start_is_named(module):
    services = [
        consumer(),
        consumer(name="lost", entrypoint="nowhere.at_all:Consumer"),
        worker(entrypoint="tests_no_such_module:job"),
        api(module),
    ]
    with pytest.raises(ConfigurationError) as refused:
        rehearse(ServiceRegistry(services, container=bound))
    problems = str(refused.value).split("; ")
    assert "consumer 'lost': importing 'nowhere.at_all' failed" in problems[0]
    assert "worker 'work'" in problems[1]
    assert "needs Orders for 'all_orders'" in problems[2]
    assert "'take'" not in str(refused.value)


def test_a_binding_that_is_missing_is_named():
    with pytest.raises(ConfigurationError, match="consumer 'take' needs Port .* register it there"):
        rehearse(ServiceRegistry([consumer()], container=punq.Container))


def test_a_container_that_is_not_there_is_named():
    with pytest.raises(ConfigurationError, match="container 'no_such_module:build'"):
        rehearse(ServiceRegistry([], container="no_such_module:build"))
