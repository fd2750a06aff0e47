"""Consumers and APIs in dev: when they start again, and when they wait."""

from datetime import timedelta

import pytest

from blackcat.application.dev.resident import LONGEST_PAUSE_SECONDS, STEADY_SECONDS, Resident


@pytest.fixture
def service(stage):
    resident = Resident(**stage.arguments)
    resident.start()
    resident.look()
    return resident


def crash(stage, service, status=1):
    stage.processes[-1].status = status
    service.look()


def test_it_runs_once_started(stage, service):
    service.look()
    assert len(stage.processes) == 1
    assert service.running


def test_a_crash_is_told_and_followed_by_pauses_that_double(stage, service):
    for pause in (1, 2, 4, 8, 16, 30, 30):
        crash(stage, service, status=-11)
        started = len(stage.processes)
        assert stage.said[-1].startswith(f"crashed: it was ended by SIGSEGV; it starts again in {pause} s")
        stage.clock.advance(timedelta(seconds=pause) - timedelta(milliseconds=1))
        service.look()
        assert len(stage.processes) == started
        stage.clock.advance(timedelta(milliseconds=1))
        service.look()
        assert len(stage.processes) == started + 1
    assert pause == LONGEST_PAUSE_SECONDS


def test_after_a_steady_run_the_pause_is_short_again(stage, service):
    for _ in range(3):
        crash(stage, service)
        stage.clock.advance(timedelta(seconds=LONGEST_PAUSE_SECONDS))
        service.look()
    stage.clock.advance(timedelta(seconds=STEADY_SECONDS))
    crash(stage, service)
    assert "starts again in 1 s" in stage.said[-1]


@pytest.mark.parametrize(
    ("status", "told"), [(78, "cannot start as it is configured"), (0, "has ended by itself")]
)
def test_what_would_only_end_again_waits_for_an_edit(stage, service, status, told):
    crash(stage, service, status)
    assert told in stage.said[-1]
    stage.clock.advance(timedelta(days=1))
    service.look()
    assert len(stage.processes) == 1
    service.restart()
    service.look()
    assert len(stage.processes) == 2


def test_what_was_given_another_port_starts_again_at_once(stage):
    given = [True, False]
    service = Resident(**stage.arguments, moved=lambda: given.pop(0))
    service.start()
    service.look()
    crash(stage, service, status=78)
    assert len(stage.processes) == 2
    assert stage.said == []
    crash(stage, service, status=78)
    assert len(stage.processes) == 2
    assert "starts again at the next edit" in stage.said[-1]


def test_a_restart_lets_what_runs_finish_before_the_new_one_starts(stage, service):
    service.restart()
    service.look()
    assert stage.processes[0].asked == ["terminate"]
    assert len(stage.processes) == 1
    stage.processes[0].status = 0
    service.look()
    assert len(stage.processes) == 2
    assert stage.said == []


def test_two_restarts_in_a_row_are_one(stage, service):
    service.restart()
    service.restart()
    assert stage.processes[0].asked == ["terminate"]
    stage.processes[0].status = 0
    service.look()
    service.look()
    assert len(stage.processes) == 2


def test_an_edit_ends_the_pause_after_a_crash(stage, service):
    crash(stage, service)
    service.restart()
    service.look()
    assert len(stage.processes) == 2


def test_nothing_starts_while_the_code_cannot_run(stage, service):
    service.restart()
    stage.processes[0].status = 0
    service.look(may_start=False)
    assert len(stage.processes) == 1
    service.look(may_start=True)
    assert len(stage.processes) == 2


def test_what_takes_too_long_to_stop_is_killed_and_told(stage, service):
    service.stop()
    stage.clock.advance(timedelta(seconds=29.9))
    service.look()
    assert stage.processes[0].asked == ["terminate"]
    stage.clock.advance(timedelta(seconds=0.1))
    service.look()
    service.look()
    assert stage.processes[0].asked == ["terminate", "kill"]
    assert stage.said == ["has not stopped within 30 seconds: killed"]
    assert not service.stopped
    stage.processes[0].status = -9
    service.look()
    assert service.stopped


def test_a_stop_ends_the_pause_after_a_crash_too(stage, service):
    crash(stage, service)
    service.stop()
    assert service.stopped
    stage.clock.advance(timedelta(days=1))
    service.look()
    assert len(stage.processes) == 1
