"""The pieces of protection put together: a thread, a stand-in of the ECS agent, a stop."""

import time
from datetime import timedelta

import pytest

from blackcat.application.clock import SystemClock
from blackcat.application.shutdown import Shutdown
from blackcat.domain.health import HealthReport
from blackcat.entrypoints.platform import task_protection, with_memory
from blackcat.infra.settings.configuration import Settings
from ecs_agent import error, stand_in_agent

PROTECT, RELEASE = {"ProtectionEnabled": True, "ExpiresInMinutes": 15}, {"ProtectionEnabled": False}
PATIENCE_SECONDS = 30


def until(condition):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def agent(monkeypatch):
    with stand_in_agent() as standing_in:
        monkeypatch.setenv("ECS_AGENT_URI", standing_in.uri)
        yield standing_in


@pytest.fixture
def shutdown():
    return Shutdown(budget=timedelta(seconds=25), clock=SystemClock())


def settings(*, protected=True):
    return Settings(ecs_task_protection=protected)


def test_a_task_is_protected_while_a_message_takes_long_and_released_at_the_stop(agent, shutdown):
    with task_protection(lambda: 60.0, settings(), shutdown):
        until(lambda: agent.puts)
    assert agent.puts == [PROTECT, RELEASE]


def test_unless_asked_for_the_agent_is_never_called(agent, shutdown):
    with task_protection(lambda: pytest.fail("it was looked at"), settings(protected=False), shutdown):
        pass
    assert agent.puts == []


def test_an_agent_that_hangs_holds_a_stop_up_for_two_seconds_at_most(agent, shutdown):
    agent.hanging.set()
    with task_protection(lambda: 60.0, settings(), shutdown):
        until(lambda: agent.puts)
        began = time.monotonic()
    # An agent that never answers would be waited for six seconds.
    assert time.monotonic() - began < 5


def test_an_agent_that_refuses_is_told_and_harms_nothing(agent, shutdown, caplog):
    agent.answers = [error(403, "AccessDeniedException")]
    with task_protection(lambda: 60.0, settings(), shutdown):
        until(lambda: caplog.records)
    assert caplog.records[0].message == "task.protection_failed"


def test_without_an_agent_it_is_told(monkeypatch, shutdown, caplog):
    monkeypatch.delenv("ECS_AGENT_URI", raising=False)
    with task_protection(lambda: 60.0, settings(), shutdown):
        pass
    assert [record.message for record in caplog.records] == ["task.not_protected"]


def test_a_health_report_tells_the_memory_beside_its_own_details():
    report = with_memory(HealthReport("orders", reasons=("why",), details={"queue": "q"}))
    assert report.as_json()["queue"] == "q"
    assert report.reasons == ("why",)
    assert "memory_used_bytes" in report.details
