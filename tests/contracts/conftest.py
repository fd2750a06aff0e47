"""Suites run on each emulator; what they saw becomes docs/en/contracts.md, or is held against it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import astuple
from pathlib import Path

import pytest

from blackcat.adapters_aws import AwsOptions
from blackcat.adapters_rabbitmq import RabbitBroker, RabbitOptions
from blackcat.infra.emulator import REGION, Emulator, running_emulator
from contracts.deviations import MINISTACK, MOTO, Sometimes
from contracts.matrix import PAGE, Checked, checked, is_whole, version_of_rabbitmq, written_anew
from rabbitmq_server import running_rabbitmq

COLLECTED = pytest.StashKey[dict[str, Checked]]()


@pytest.fixture(scope="session")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """moto's server as a process, shared by the tests of one process as ministack is."""
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "{port}"]
    log = tmp_path_factory.mktemp("moto") / "log"
    with running_emulator(command=command, log=log) as running, pytest.MonkeyPatch.context() as environment:
        for name, value in running.environment().items():
            if "KEY" in name:  # boto3 takes credentials from the environment only
                environment.setenv(name, value)
        yield running


@pytest.fixture(scope="session", params=[MINISTACK, MOTO])
def aws_options(request: pytest.FixtureRequest) -> AwsOptions:
    """Options that lead to one emulator, then to the other: whatever asks for them runs on both."""
    running: Emulator = request.getfixturevalue("emulator" if request.param == MINISTACK else "moto")
    return AwsOptions(region=REGION, endpoint_url=running.url)


@pytest.fixture(scope="session")
def rabbitmq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitOptions]:
    """Options that lead to a RabbitMQ, shared by the tests of one process: keep apart by names."""
    with running_rabbitmq(tmp_path_factory.mktemp("rabbitmq")) as options:
        yield options


@pytest.fixture
def rabbit_broker(rabbitmq: RabbitOptions) -> Iterator[RabbitBroker]:
    broker = RabbitBroker(rabbitmq)
    yield broker
    broker.close()


@pytest.fixture
def collected(request: pytest.FixtureRequest) -> list[Checked]:
    """The tests of suites in this folder that pytest found, whether they run now or not."""
    return list(request.config.stash[COLLECTED].values())


@pytest.hookimpl(tryfirst=True)  # before -m and -k take some away
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    found = {item.nodeid: one for item in items if (one := checked(item))}
    config.stash[COLLECTED] = found
    for item in items:
        if one := found.get(item.nodeid):
            item.user_properties.append(("checked", list(astuple(one))))
            if one.deviation:
                reason, strict = f"{one.backend}: {one.deviation}", not isinstance(one.deviation, Sometimes)
                item.add_marker(pytest.mark.xfail(reason=reason, strict=strict))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--matrix", type=Path, help="write the page on suites and backends there")


def pytest_configure(config: pytest.Config) -> None:
    path = config.getoption("matrix", None)
    if path and not hasattr(config, "workerinput"):
        if config.getoption("keyword") or not is_whole(config):
            raise pytest.UsageError("--matrix wants the whole folder: pytest tests/contracts --matrix PATH")
        config.pluginmanager.register(_Writer(path))


class _Writer:
    """Writes the page from what the tests reported, wherever they ran, when each was as told."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: list[Checked] = []
        self._amiss: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        told = dict(report.user_properties).get("checked")
        if not told or (report.passed and report.when != "call"):
            return
        one = Checked(*told)
        failed = report.skipped and hasattr(report, "wasxfail")
        may_pass = not one.deviation or isinstance(one.deviation, Sometimes)
        if (failed and one.deviation) or (report.passed and may_pass):
            self._seen.append(one)
        else:
            self._amiss.append(f"{report.nodeid} {report.outcome}: {report.longreprtext[-200:]}")

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        if exitstatus or self._amiss:
            session.exitstatus = exitstatus or pytest.ExitCode.TESTS_FAILED
        else:
            self._path.write_text(written_anew(PAGE.read_text(), self._seen, version_of_rabbitmq()))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter, exitstatus: int) -> None:
        outcome = "left as it is, since not all went as told" if exitstatus else "written"
        terminalreporter.section(f"{self._path} is {outcome}")
        for line in self._amiss:
            terminalreporter.write_line(line)
