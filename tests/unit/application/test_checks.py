"""What probes are told: each check in its own thread, one run at a time, its result kept for a second."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import punq
import pytest

from blackcat import Check, Service, ServiceType, Settings
from blackcat.application.checks import Checks, Health, checks_of
from blackcat.application.clock import SystemClock
from blackcat.application.ports import Clock, Resolver
from blackcat.domain.health import HealthReport
from blackcat.errors import EntrypointError, InjectionError, InvalidDeclaration, SettingsError
from blackcat.infra.redaction import Redactor
from blackcat.testing import FrozenClock

SECOND = timedelta(seconds=1)


def checks(*declared: Check, resolver: Resolver | None = None, clock: Clock | None = None) -> Checks:
    redactor = Redactor()
    redactor.learn("hunter2-canary")
    return checks_of(
        declared, resolver, subject="service 'x'", clock=clock or FrozenClock(), redact=redactor.text
    )


def failing(error: BaseException) -> Callable[[], Any]:
    def check() -> None:
        raise error

    return check


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Opened at the end, so that no thread outlives the test."""
    opened = threading.Event()
    yield opened
    opened.set()


@pytest.mark.parametrize("answer", [None, True, 0, "", "fine"])
def test_whatever_returns_passes(answer: object) -> None:
    assert checks(Check("database", lambda: answer)).failures() == ()


def test_false_and_errors_fail_with_their_reason() -> None:
    declared = [
        Check("flag", lambda: False),
        Check("error", failing(ConnectionError("refused"))),
        Check("exit", failing(SystemExit(0))),
    ]
    assert checks(*declared).failures() == (
        "check 'flag' failed",
        "check 'error' failed: ConnectionError: refused",
        "check 'exit' failed: SystemExit: 0",
    )


def test_no_secret_is_in_a_reason_not_even_half_of_one() -> None:
    long = "x" * 176 + " password=hunter2-canary"
    (reason,) = checks(Check("database", failing(ValueError(long)))).failures()
    assert "hunter" not in reason
    assert len(reason) < 250


def test_a_class_is_built_by_the_container_and_a_function_gets_what_it_needs() -> None:
    class Database:
        def ping(self) -> bool:
            return False

    class DatabaseCheck:
        def __init__(self, database: Database) -> None:
            self.database = database

        def __call__(self) -> bool:
            return self.database.ping()

    DatabaseCheck.__init__.__annotations__["database"] = Database  # a local class, for get_type_hints

    def ping(database: Any) -> bool:
        return bool(database.ping())

    ping.__annotations__["database"] = Database
    container = punq.Container().register(Database)
    declared = [Check("class", DatabaseCheck), Check("function", ping)]
    assert len(checks(*declared, resolver=container).failures()) == 2


def test_what_cannot_be_loaded_or_injected_fails_the_start() -> None:
    def needy(database: FrozenClock) -> None: ...

    needy.__annotations__["database"] = FrozenClock
    with pytest.raises(EntrypointError, match="check 'a' of service 'x': importing 'nowhere'"):
        checks(Check("a", "nowhere:at_all"))
    with pytest.raises(InjectionError, match="check 'b' of service 'x' needs FrozenClock"):
        checks(Check("b", needy))


def test_a_result_is_kept_for_a_second() -> None:
    clock, runs = FrozenClock(), []
    built = checks(Check("counted", lambda: runs.append(1)), clock=clock)
    for _ in range(20):
        built.failures()
    clock.advance(timedelta(milliseconds=999))
    built.failures()
    assert len(runs) == 1
    clock.advance(timedelta(milliseconds=1))
    built.failures()
    assert len(runs) == 2


def test_probes_at_the_same_time_share_a_run(gate: threading.Event) -> None:
    runs: list[int] = []

    def slow() -> None:
        runs.append(1)
        gate.wait(60)

    built = checks(Check("slow", slow, timeout=timedelta(seconds=30)))
    probes = [threading.Thread(target=built.failures) for _ in range(5)]
    for probe in probes:
        probe.start()
    gate.set()
    for probe in probes:
        probe.join(60)
    assert len(runs) == 1


def test_a_hung_check_is_told_as_such_and_not_begun_again(gate: threading.Event) -> None:
    runs: list[int] = []

    def hangs() -> None:
        runs.append(1)
        gate.wait(60)

    built = checks(Check("hung", hangs, timeout=timedelta(milliseconds=20)), clock=SystemClock())
    for _ in range(3):
        (reason,) = built.failures()
        assert reason.startswith("check 'hung' has not answered for ")
        assert reason.endswith("longer than 0.02 s")
    assert len(runs) == 1


def test_a_hung_check_does_not_hide_the_others(gate: threading.Event) -> None:
    hung = Check("hung", lambda: gate.wait(60), timeout=timedelta(milliseconds=20))
    reasons = checks(hung, Check("flag", lambda: False), clock=SystemClock()).failures()
    assert [reason.split("'")[1] for reason in reasons] == ["hung", "flag"]


def test_a_check_that_took_too_long_fails_also_when_it_passed_in_the_end() -> None:
    clock = FrozenClock()
    slow = Check("slow", lambda: clock.advance(3 * SECOND), timeout=2 * SECOND)
    assert checks(slow, clock=clock).failures() == ("check 'slow' took 3.0 s, longer than 2 s",)


def health(report: HealthReport, *declared: Check, stopping: bool = False) -> Health:
    return Health(report=lambda: report, checks=checks(*declared), stopping=lambda: stopping)


WORKS = HealthReport("orders", details={"in_flight": 3})
FAILS = Check("database", lambda: False)
PASSES = Check("cache", lambda: True)


@pytest.mark.parametrize(
    ("built", "live", "ready", "overall"),
    [
        (health(WORKS, PASSES), "healthy", "healthy", "healthy"),
        (health(WORKS, FAILS, PASSES), "healthy", "unhealthy", "degraded"),
        (health(WORKS, PASSES, stopping=True), "healthy", "unhealthy", "unhealthy"),
        (health(HealthReport("orders", ("dead",))), "unhealthy", "unhealthy", "unhealthy"),
        (health(HealthReport("orders", (), ("paused",))), "degraded", "degraded", "degraded"),
    ],
)
def test_the_three_probes(built: Health, live: str, ready: str, overall: str) -> None:
    assert built.live().status == live
    assert built.ready().status == ready
    assert built.overall().status == overall


def test_a_report_keeps_its_details_and_tells_all_reasons() -> None:
    report = health(WORKS, FAILS, stopping=True).ready()
    assert report.status_code == 503
    assert report.as_json() == {
        "service": "orders",
        "status": "unhealthy",
        "reasons": ["it was asked to stop", "check 'database' failed"],
        "in_flight": 3,
    }


def test_liveness_runs_no_check() -> None:
    runs: list[int] = []
    health(WORKS, Check("counted", lambda: runs.append(1))).live()
    assert not runs


@pytest.mark.parametrize(
    ("name", "entrypoint", "timeout", "problem"),
    [
        ("", "a:b", SECOND, "needs a name"),
        ("a b", "a:b", SECOND, "needs a name"),
        ("a", "a.b", SECOND, "write 'module:name'"),
        ("a", 7, SECOND, "name a callable"),
        ("a", "a:b", 2, "give a timedelta"),
        ("a", "a:b", timedelta(0), "give a timedelta"),
        ("a", "a:b", timedelta(minutes=1), "up to 30 seconds"),
    ],
)
def test_a_check_that_could_not_work_cannot_be_declared(
    name: str, entrypoint: Any, timeout: Any, problem: str
) -> None:
    with pytest.raises(InvalidDeclaration, match=problem):
        Check(name, entrypoint, timeout=timeout)


def test_a_service_has_each_check_once_and_a_worker_has_none() -> None:
    def declared(kind: ServiceType, checks: Any, **fields: Any) -> Service:
        return Service(name="x", type=kind, checks=checks, **fields)

    api = {"endpoint_module": "shop.api"}
    assert declared(ServiceType.REST_API, [Check("a", "m:n")], **api).checks == (Check("a", "m:n"),)
    with pytest.raises(InvalidDeclaration, match="has two checks named 'a'"):
        declared(ServiceType.REST_API, [Check("a", "m:n"), Check("a", "m:o")], **api)
    with pytest.raises(InvalidDeclaration, match="list Check"):
        declared(ServiceType.REST_API, ["m:n"], **api)
    with pytest.raises(InvalidDeclaration, match="has checks, which a worker does not use"):
        declared(ServiceType.WORKER, [Check("a", "m:n")], entrypoint="m:n")


@pytest.mark.parametrize(("budget", "delay", "fits"), [(25, 24.9, True), (25, 25, False), (0.5, 0, True)])
def test_the_delay_of_a_stop_counts_into_its_budget(budget: float, delay: float, fits: bool) -> None:
    if fits:
        settings = Settings(shutdown_timeout_seconds=budget, shutdown_delay_seconds=delay)
        assert settings.shutdown_delay_seconds == delay
    else:
        with pytest.raises(SettingsError, match="SHUTDOWN_DELAY_SECONDS is wrong: it counts into"):
            Settings(shutdown_timeout_seconds=budget, shutdown_delay_seconds=delay)
