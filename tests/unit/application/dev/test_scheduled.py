"""Workers in dev: on their schedule, one run at a time."""

from datetime import datetime, timedelta, timezone

import pytest

from blackcat.application.dev.scheduled import Scheduled
from blackcat.domain.schedule import schedule


@pytest.fixture
def worker(stage):
    def started(text=None, zone=None):
        found = Scheduled(schedule=schedule(text, zone) if text else None, **stage.arguments)
        found.start()
        found.look()
        return found

    return started


def end(stage, worker, status=0):
    stage.processes[-1].status = status
    worker.look()


def pass_time(stage, worker, **by):
    stage.clock.advance(timedelta(**by))
    worker.look()


def test_a_rate_runs_at_once_and_after_each_interval(stage, worker):
    hourly = worker("rate(1 hour)")
    assert len(stage.processes) == 1
    stage.clock.advance(timedelta(seconds=90))
    end(stage, hourly)
    assert stage.said == ["done after 90.0 s; next run: 2030-01-01 01:00:00 UTC"]
    pass_time(stage, hourly, minutes=58)
    assert len(stage.processes) == 1
    pass_time(stage, hourly, seconds=30)  # counted from the start of the run before, not from its end
    assert len(stage.processes) == 2


def test_a_cron_waits_for_its_time(stage, worker):
    nightly = worker("cron(0 3 * * ? *)")
    assert stage.processes == []
    assert stage.said == ["first run: 2030-01-01 03:00:00 UTC"]
    pass_time(stage, nightly, hours=2, minutes=59, seconds=59)
    assert stage.processes == []
    pass_time(stage, nightly, seconds=1)
    assert len(stage.processes) == 1
    end(stage, nightly)
    assert stage.said[-1] == "done after 0.0 s; next run: 2030-01-02 03:00:00 UTC"


def test_a_cron_goes_by_its_time_zone_and_the_run_learns_when_it_was_due(stage, worker):
    nightly = worker("cron(0 3 * * ? *)", "America/Sao_Paulo")
    assert stage.said == ["first run: 2030-01-01 03:00:00 America/Sao_Paulo"]
    pass_time(stage, nightly, hours=5, minutes=59)
    assert stage.processes == []
    pass_time(stage, nightly, minutes=2)
    assert stage.due == [datetime(2030, 1, 1, 6, tzinfo=timezone.utc)]


def test_a_run_whose_lock_is_held_is_skipped_and_no_failure(stage, worker):
    hourly = worker("rate(1 hour)")
    end(stage, hourly, status=75)
    assert stage.said == [
        "skipped, since another run holds its lock, after 0.0 s; next run: 2030-01-01 01:00:00 UTC"
    ]
    once = worker()
    end(stage, once, status=75)
    assert stage.said[-1].endswith("it runs once, without a schedule")


def test_a_run_that_is_due_while_another_goes_on_is_left_out(stage, worker):
    hourly = worker("rate(1 hour)")
    pass_time(stage, hourly, hours=1)
    assert len(stage.processes) == 1
    assert stage.said == ["still runs: the run of 2030-01-01 01:00:00 UTC is left out"]
    end(stage, hourly)
    pass_time(stage, hourly, hours=1)
    assert len(stage.processes) == 2


def test_what_a_sleeping_machine_missed_is_not_made_up_for(stage, worker):
    minutely = worker("rate(1 minute)")
    end(stage, minutely)
    pass_time(stage, minutely, hours=8)
    assert len(stage.processes) == 2
    end(stage, minutely)
    minutely.look()
    assert len(stage.processes) == 2
    pass_time(stage, minutely, minutes=1)
    assert len(stage.processes) == 3


def test_without_a_schedule_it_runs_once(stage, worker):
    once = worker()
    end(stage, once)
    assert stage.said == ["done after 0.0 s; it runs once, without a schedule"]
    once.restart()
    pass_time(stage, once, days=1)
    assert len(stage.processes) == 1


def test_without_a_schedule_a_failed_one_runs_again_at_the_next_edit(stage, worker):
    once = worker()
    end(stage, once, status=1)
    assert stage.said == ["ended with status 1 after 0.0 s; it runs again at the next edit"]
    pass_time(stage, once, days=1)
    assert len(stage.processes) == 1
    once.restart()
    once.look()
    assert len(stage.processes) == 2


def test_a_failure_is_told_and_leaves_the_schedule_as_it_is(stage, worker):
    hourly = worker("rate(1 hour)")
    end(stage, hourly, status=-9)
    assert stage.said == ["was ended by SIGKILL after 0.0 s; next run: 2030-01-01 01:00:00 UTC"]
    hourly.restart()
    hourly.look()
    assert len(stage.processes) == 1


def test_a_schedule_that_has_ended_says_so(stage, worker):
    stage.clock.advance(datetime(2199, 12, 31, tzinfo=timezone.utc) - stage.clock.now())
    last = worker("cron(0 3 * * ? *)")
    pass_time(stage, last, hours=3)
    end(stage, last)
    assert stage.said[-1] == "done after 0.0 s; next run: never again"
    pass_time(stage, last, days=400)
    assert len(stage.processes) == 1


def test_a_run_that_is_due_waits_for_code_that_can_run(stage, worker):
    hourly = worker("rate(1 hour)")
    end(stage, hourly)
    stage.clock.advance(timedelta(hours=1))
    hourly.look(may_start=False)
    assert len(stage.processes) == 1
    hourly.look()
    assert len(stage.processes) == 2


def test_a_stop_ends_the_run_and_starts_no_other(stage, worker):
    hourly = worker("rate(1 hour)")
    hourly.stop()
    assert stage.processes[0].asked == ["terminate"]
    assert not hourly.stopped
    end(stage, hourly)
    assert hourly.stopped
    pass_time(stage, hourly, days=1)
    assert len(stage.processes) == 1
    assert stage.said == []
