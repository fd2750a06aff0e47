"""Checks that each service could start."""

from __future__ import annotations

from contextlib import contextmanager

import pytest

from blackcat import Service, ServiceRegistry, ServiceType
from blackcat.application.doctor.examination import Check, diagnose
from blackcat.application.doctor.starting import starting
from blackcat.application.entrypoint import consumer_entrypoint, load
from blackcat.domain.findings import Unchecked
from blackcat.errors import SettingsError


class Needed:
    pass


class Container:
    def __init__(self, *types):
        self._types = types

    def resolve(self, wanted):
        if wanted not in self._types:
            raise LookupError(wanted.__name__)
        return wanted()


class Handler:
    def __init__(self, needed: Needed) -> None:
        pass

    def __call__(self, body: dict) -> None:
        pass


class Failing:
    def __init__(self) -> None:
        raise RuntimeError("no connection")

    def __call__(self, body: dict) -> None:
        pass


class Quitting(Failing):
    def __init__(self) -> None:
        raise SystemExit(3)


def start(service, resolver):
    subject = f"consumer '{service.name}'"
    return consumer_entrypoint(load(service.entrypoint, subject=subject), resolver, subject=subject)


def registry(entrypoint, container=lambda: Container(Needed)):
    return ServiceRegistry(
        [Service(name="orders", type=ServiceType.CONSUMER, entrypoint=entrypoint, queue_name="orders_cmd")],
        container=container,
    )


def found(registry):
    return [(finding.rule.code, finding.what) for finding in starting(registry, start)]


def refusing():
    raise SettingsError("API_KEY is not set: set it")


@contextmanager
def failing_at_its_end():
    yield Container(Needed)
    raise OSError("the pool does not close")


def test_a_service_that_could_start_gives_no_finding():
    assert found(registry(Handler)) == []


@pytest.mark.parametrize(
    ("entrypoint", "container", "code", "told"),
    [
        ("nowhere_at_all:handle", Container, "BC101", "ModuleNotFoundError"),
        ("json:nothing", Container, "BC101", "has no 'nothing'"),
        (Handler, Container, "BC102", "Needed"),
        (Handler, refusing, "BC103", "API_KEY is not set"),
        (Handler, lambda: object(), "BC103", "no resolve"),
        (Handler, "nowhere_at_all:build", "BC103", "ModuleNotFoundError"),
        (Handler, failing_at_its_end, "BC103", "closing it: OSError"),
        (Failing, Container, "BC104", "RuntimeError: no connection"),
        (Quitting, Container, "BC104", "SystemExit: 3"),
    ],
)
def test_what_hinders_a_start_is_found(entrypoint, container, code, told):
    ((actual, what),) = found(registry(entrypoint, container))
    assert actual == code
    assert told in what


def test_services_are_loaded_even_when_the_container_fails():
    assert [code for code, _ in found(registry("nowhere_at_all:handle", refusing))] == ["BC103", "BC101"]


def test_a_check_that_fails_leaves_the_others_alone():
    def half():
        yield Unchecked("first", "was told before it failed")
        raise ZeroDivisionError("a defect")

    diagnosis = diagnose([Check("half", half), Check("whole", lambda: starting(registry(Failing), start))])
    assert [finding.rule.code for finding in diagnosis.findings] == ["BC009", "BC104"]
    assert diagnosis.findings[0].what == "ZeroDivisionError: a defect"
    assert diagnosis.unchecked == [Unchecked("first", "was told before it failed")]
    assert diagnosis.broken
