"""One run of a worker: its outcome, its bounds and its lock, with a clock that a test moves."""

from datetime import datetime, timedelta, timezone
from threading import Event

import pytest

from blackcat import Run
from blackcat.application.lock import TableLock
from blackcat.application.shutdown import Shutdown
from blackcat.application.worker.ended import Ended
from blackcat.application.worker.worker import Worker
from blackcat.errors import ConfigurationError, TableNotFound, Unreachable
from blackcat.resources import TableResource
from blackcat.testing import FrozenClock, InMemoryMetrics, InMemoryTable

LEASE = timedelta(seconds=60)


@pytest.fixture
def clock():
    return FrozenClock()


@pytest.fixture
def shutdown(clock):
    return Shutdown(budget=timedelta(seconds=25), clock=clock)


@pytest.fixture
def table():
    return InMemoryTable(TableResource("tidy_lock", key="name"))


@pytest.fixture
def lock(table, clock):
    return TableLock(table=table, name="tidy", holder="here", lease=LEASE, clock=clock)


@pytest.fixture
def events(caplog):
    caplog.set_level("INFO", "blackcat")

    def found(name):
        return [record.fields for record in caplog.records if record.getMessage() == name]

    return found


def never(_):
    pytest.fail("it runs")


def fail(_):
    raise ValueError("no such table")


def test_a_job_that_returns_has_finished(clock, shutdown, events):
    result = Worker(clock=clock).run(lambda _: clock.advance(timedelta(seconds=2)), shutdown)
    assert result.ended is Ended.FINISHED
    assert events("worker.started") == [{}]
    assert events("worker.finished") == [{"duration_ms": 2000}]


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(0), KeyboardInterrupt()])
def test_a_job_that_raises_has_failed(clock, shutdown, events, error):
    def job(_):
        raise error

    result = Worker(clock=clock).run(job, shutdown)
    assert (result.ended, result.error) == (Ended.FAILED, error)
    assert events("worker.failed") == [{"duration_ms": 0}]


def test_a_stop_before_the_start_leaves_it_out(clock, shutdown, events):
    shutdown.request("SIGTERM")
    assert Worker(clock=clock).run(never, shutdown).ended is Ended.NOT_STARTED
    assert events("worker.not_started") == [{"reason": "SIGTERM"}]


def test_a_job_that_heeds_the_stop_was_stopped_and_has_not_finished(clock, shutdown, events):
    def job(run):
        assert not run.stopping
        shutdown.request("SIGTERM")
        assert run.stopping

    assert Worker(clock=clock).run(job, shutdown).ended is Ended.STOPPED
    assert events("worker.stopped") == [{"reason": "SIGTERM", "duration_ms": 0}]
    assert not events("worker.finished")


def test_a_job_that_never_learns_of_the_stop_finishes(clock, shutdown):
    def job(run):
        assert not run.stopping
        shutdown.request("SIGTERM")

    assert Worker(clock=clock).run(job, shutdown).ended is Ended.FINISHED


def test_a_wait_ends_with_the_stop(clock, shutdown):
    def job(run):
        assert run.wait(timedelta(0))
        shutdown.request("SIGTERM")
        assert not run.wait(timedelta(days=1))
        assert not run.wait(timedelta.max)

    assert Worker(clock=clock).run(job, shutdown).ended is Ended.STOPPED


def test_beyond_its_deadline_a_job_is_asked_to_stop_and_has_failed(clock, shutdown, events):
    def job(run):
        assert run.remaining() == timedelta(minutes=10)
        clock.advance(timedelta(minutes=4))
        assert run.remaining() == timedelta(minutes=6)
        assert not run.stopping
        clock.advance(timedelta(minutes=6))
        assert run.stopping
        clock.advance(timedelta(seconds=5))
        assert run.remaining() == timedelta(seconds=20)  # the shutdown budget

    result = Worker(clock=clock, deadline=timedelta(minutes=10)).run(job, shutdown)
    assert result.ended is Ended.DEADLINE_EXCEEDED
    assert events("worker.deadline_exceeded") == [{"deadline_seconds": 600.0, "grace_seconds": 25.0}]
    assert events("worker.stopped") == [{"reason": "its deadline has passed", "duration_ms": 605_000}]


def test_the_deadline_wakes_a_job_that_waits(shutdown):
    from blackcat.application.clock import SystemClock

    def job(run):
        assert not run.wait(timedelta(days=1))

    worker = Worker(clock=SystemClock(), deadline=timedelta(milliseconds=20))
    assert worker.run(job, shutdown).ended is Ended.DEADLINE_EXCEEDED


def test_a_deadline_within_the_grace_of_a_stop_is_no_matter(clock, shutdown):
    def job(run):
        shutdown.request("SIGTERM")
        clock.advance(timedelta(minutes=1))
        assert run.stopping

    worker = Worker(clock=clock, deadline=timedelta(minutes=1))
    assert worker.run(job, shutdown).ended is Ended.STOPPED


def test_without_bounds_there_is_no_time_that_is_left(clock, shutdown):
    def job(run):
        assert run.remaining() is None
        assert run.fencing_token is None

    assert Worker(clock=clock).run(job, shutdown).ended is Ended.FINISHED


def test_a_job_learns_when_it_was_due(clock, shutdown):
    due = datetime(2029, 12, 31, 23, 55, tzinfo=timezone.utc)

    def job(run):
        assert (run.scheduled_at, run.started_at) == (due, clock.now())

    assert Worker(clock=clock, scheduled_at=due).run(job, shutdown).ended is Ended.FINISHED
    assert Run(clock=clock).scheduled_at == clock.now()


def test_an_exclusive_job_has_a_token_and_lets_the_lock_go(clock, shutdown, lock, events):
    tokens = []
    for _ in range(2):
        worker = Worker(clock=clock, lock=lock)
        assert worker.run(lambda run: tokens.append(run.fencing_token), shutdown).ended is Ended.FINISHED
        clock.advance(timedelta(minutes=5))
    assert tokens[0] < tokens[1]
    assert events("worker.started") == [
        {"fencing": tokens[0]},
        {"fencing": tokens[1], "seconds_since_success": 300.0},
    ]


@pytest.mark.parametrize("job", [fail, lambda run: run.stop()])
def test_only_a_job_that_finished_has_succeeded(clock, shutdown, lock, table, events, job):
    def stopped_or_failed(run):
        job(run)
        return run.stopping

    Worker(clock=clock, lock=lock).run(lambda _: None, shutdown)
    before = table.get({"name": "tidy"})["last_success"]
    clock.advance(timedelta(minutes=5))
    Worker(clock=clock, lock=lock).run(stopped_or_failed, shutdown)
    after = table.get({"name": "tidy"})
    assert (after["last_success"], after["holder"]) == (before, "")


def test_a_lock_that_another_run_holds_skips_this_one(clock, shutdown, lock, events):
    lock.acquire(never)
    result = Worker(clock=clock, lock=lock).run(never, shutdown)
    assert result.ended is Ended.LOCK_HELD
    [told] = events("worker.lock_held")
    assert told["reason"] == "here holds the lock until 2030-01-01 00:01:00 UTC unless it renews it"
    assert (told["holder"], told["until"]) == ("here", clock.now() + LEASE)


def test_a_stop_while_it_waits_for_a_crashed_one_starts_nothing(clock, shutdown, lock, table):
    lock.acquire(never)
    clock.advance(LEASE)

    class StoppedMeanwhile(InMemoryTable):
        """When its record is looked at for the second time."""

        looks = 0

        def get(self, key):
            self.looks += 1
            if self.looks == 2:
                shutdown.request("SIGTERM")
            return table.get(key)

    lock = TableLock(
        table=StoppedMeanwhile(table.resource), name="tidy", holder="next", lease=LEASE, clock=clock
    )
    assert Worker(clock=clock, lock=lock).run(never, shutdown).ended is Ended.NOT_STARTED


def test_a_paused_job_learns_at_once_that_it_lost_the_lock(clock, shutdown, lock, table, events):
    def job(run):
        clock.advance(LEASE)
        assert run.stopping

    assert Worker(clock=clock, lock=lock).run(job, shutdown).ended is Ended.LOCK_LOST
    [told] = events("worker.lock_lost")
    assert "the process was paused" in told["reason"]
    assert "last_success" not in told
    assert table.get({"name": "tidy"})["last_success"] is None


def test_a_job_that_was_overtaken_before_its_end_has_not_finished(clock, shutdown, lock, table, events):
    def job(_):
        clock.advance(LEASE)
        other = TableLock(table=table, name="tidy", holder="there", lease=LEASE, clock=clock)
        assert other.acquire(lambda seconds: bool(clock.advance(timedelta(seconds=seconds)))).token

    assert Worker(clock=clock, lock=lock).run(job, shutdown).ended is Ended.LOCK_LOST
    assert len(events("worker.lock_lost")) == 1
    assert table.get({"name": "tidy"})["holder"] == "there"


def test_a_missing_table_says_what_to_do(clock, shutdown):
    class Missing(InMemoryTable):
        def get(self, key):
            raise TableNotFound("there is no such table", resource=self.name)

    lock = TableLock(
        table=Missing(TableResource("tidy_lock", key="name")),
        name="tidy",
        holder="",
        lease=LEASE,
        clock=clock,
    )
    with pytest.raises(ConfigurationError, match="needs the table of its lock"):
        Worker(clock=clock, lock=lock).run(never, shutdown)


def test_a_table_that_cannot_be_reached_fails_the_run(clock, shutdown, events):
    class Away(InMemoryTable):
        def get(self, key):
            raise Unreachable("no answer")

    lock = TableLock(
        table=Away(TableResource("tidy_lock", key="name")), name="tidy", holder="", lease=LEASE, clock=clock
    )
    assert Worker(clock=clock, lock=lock).run(never, shutdown).ended is Ended.FAILED
    assert events("worker.failed") == [{"reason": "its lock could not be taken"}]


def test_a_lock_that_cannot_be_released_leaves_the_outcome(clock, shutdown, events):
    class AwayAtLast(InMemoryTable):
        away = False

        def save(self, item, *, version=None):
            if self.away:
                raise Unreachable("no answer")
            return super().save(item, version=version)

    table = AwayAtLast(TableResource("tidy_lock", key="name"))
    lock = TableLock(table=table, name="tidy", holder="", lease=LEASE, clock=clock)

    def job(_):
        table.away = True

    assert Worker(clock=clock, lock=lock).run(job, shutdown).ended is Ended.FINISHED
    assert events("worker.lock_not_released") == [{"left_seconds": 60.0}]


class Frozen(InMemoryTable):
    """Its writes get no answer while it is frozen."""

    def __init__(self, resource):
        super().__init__(resource)
        self.frozen = False
        self.thawed = Event()

    def save(self, item, *, version=None):
        if self.frozen:
            assert self.thawed.wait(60)
        return super().save(item, version=version)


def test_a_table_that_is_frozen_at_the_release_does_not_keep_the_run(clock, events):
    shutdown = Shutdown(budget=timedelta(seconds=0.2), clock=clock)  # half of it
    table = Frozen(TableResource("tidy_lock", key="name"))
    lock = TableLock(table=table, name="tidy", holder="", lease=LEASE, clock=clock)

    def job(_):
        table.frozen = True

    try:
        assert Worker(clock=clock, lock=lock).run(job, shutdown).ended is Ended.FINISHED
        assert not table.thawed.is_set()
    finally:
        table.thawed.set()
    [told] = events("worker.lock_not_released")
    assert told["left_seconds"] == 60.0
    assert "has not answered for 0.1 seconds; the lease runs out by itself" in told["reason"]


def test_a_lock_whose_item_was_deleted_is_told_as_gone(clock, shutdown, lock, table, events):
    result = Worker(clock=clock, lock=lock).run(lambda _: table.delete({"name": "tidy"}), shutdown)
    assert result.ended is Ended.LOCK_LOST
    [told] = events("worker.lock_lost")
    assert told["reason"] == "its item was deleted from the table 'tidy_lock', before this run ended"


def test_what_is_no_lock_in_its_place_keeps_the_job_from_starting(clock, shutdown, lock, table):
    table.save({"name": "tidy", "colour": "blue"})
    with pytest.raises(ConfigurationError, match="table 'tidy_lock' holds an item 'tidy'"):
        Worker(clock=clock, lock=lock).run(never, shutdown)


def test_a_lease_is_renewed_while_the_job_runs_and_its_loss_is_noticed(shutdown, table, events):
    """On real time, shortly: what the threads of a run do."""
    from blackcat.application.clock import SystemClock

    lock = TableLock(table=table, name="tidy", holder="", lease=timedelta(seconds=2), clock=SystemClock())

    def job(run):
        first = table.get({"name": "tidy"})["until"]
        while table.get({"name": "tidy"})["until"] == first:
            assert run.wait(timedelta(milliseconds=10))
        table.delete({"name": "tidy"})
        assert not run.wait(timedelta(days=1))

    assert Worker(clock=SystemClock(), lock=lock).run(job, shutdown).ended is Ended.LOCK_LOST
    [told] = events("worker.lock_lost")
    assert told["reason"] == "its item was deleted from the table 'tidy_lock'"


def test_runs_are_counted_by_outcome_and_the_age_of_the_last_success_is_measured(clock, shutdown, lock):
    def run(job):
        return Worker(clock=clock, lock=lock).run(job, shutdown)

    with InMemoryMetrics() as metrics:
        run(lambda _: clock.advance(timedelta(seconds=3)))
        assert metrics.gauged("blackcat_worker_since_success_seconds") == 0
        clock.advance(timedelta(hours=1))
        run(fail)
        assert metrics.gauged("blackcat_worker_since_success_seconds") == 3600
        lock.acquire(never)
        clock.advance(timedelta(seconds=30))
        run(never)
        assert metrics.gauged("blackcat_worker_since_success_seconds") == 3630
        assert metrics.observed("blackcat_worker_duration_seconds") == [3.0, 0.0]
        outcomes = ("finished", "failed", "lock_held")
        assert [metrics.counted("blackcat_worker_runs", outcome=name) for name in outcomes] == [1, 1, 1]


def test_a_run_that_outlasts_the_budget_is_counted(clock, shutdown):
    with InMemoryMetrics() as metrics:
        worker = Worker(clock=clock, deadline=timedelta(minutes=1))
        worker.abandoned()
        assert metrics.counted("blackcat_worker_runs", outcome="abandoned") == 1

        def job(run):
            clock.advance(timedelta(minutes=1))
            assert run.stopping
            worker.abandoned()

        worker.run(job, shutdown)
        assert metrics.counted("blackcat_worker_runs", outcome="deadline_exceeded") == 2


def test_a_run_of_a_job_s_own_test_stops_when_it_says_so():
    run = Run(fencing_token=7)
    assert not run.stopping
    assert run.wait(timedelta(0))
    run.stop("enough")
    assert run.stopping
    assert not run.wait(timedelta(days=1))
    assert run.fencing_token == 7
