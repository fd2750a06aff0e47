"""The lock of exclusive workers: on a table in memory, and on a real one."""

from __future__ import annotations

import itertools
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from blackcat.adapters_aws import AwsOptions, DynamoTable, Provisioner
from blackcat.application.lock import Held, Lease, TableLock
from blackcat.application.ports import Table
from blackcat.errors import ConditionFailed, ConfigurationError, Unreachable
from blackcat.resources import TableResource
from blackcat.testing import FrozenClock, InMemoryTable

LEASE = timedelta(seconds=60)
MOMENT = timedelta(seconds=1)
LOCKS = TableResource("tidy_lock", key="name")


class Machines:
    """Locks of the same name on machines whose clocks may differ; their seconds pass alike."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.name = uuid.uuid4().hex
        self.clocks: list[FrozenClock] = []
        self.waited: list[float] = []

    def lock(self, holder: str, *, ahead: timedelta = timedelta(0), table: Table | None = None) -> TableLock:
        clock = FrozenClock(FrozenClock().now() + ahead)
        if self.clocks:
            clock.advance(timedelta(seconds=self.clocks[0].monotonic()))
        self.clocks.append(clock)
        return TableLock(table=table or self.table, name=self.name, holder=holder, lease=LEASE, clock=clock)

    def pass_time(self, by: timedelta) -> None:
        for clock in self.clocks:
            clock.advance(by)

    def wait(self, seconds: float) -> bool:
        self.waited.append(seconds)
        self.pass_time(timedelta(seconds=seconds))
        return False


def leased(found: Lease | Held | None) -> Lease:
    assert isinstance(found, Lease), found
    return found


class LockContract:
    """For a table with the key ``name``."""

    @pytest.fixture
    def machines(self, table: Table) -> Machines:
        return Machines(table)

    def test_a_lock_that_nobody_has_is_taken_at_once(self, machines: Machines) -> None:
        lease = leased(machines.lock("a").acquire(machines.wait))
        assert lease.left == LEASE.total_seconds()
        assert lease.last_success is None
        assert machines.waited == []

    def test_one_that_is_held_names_its_holder_and_until_when(self, machines: Machines) -> None:
        leased(machines.lock("web-1 (process 7)").acquire(machines.wait))
        since = machines.clocks[0].now()
        machines.pass_time(MOMENT)
        held = machines.lock("b").acquire(machines.wait)
        assert held == Held("web-1 (process 7)", since, since + LEASE, last_success=None)
        assert machines.waited == []

    def test_locks_of_other_names_are_apart(self, machines: Machines) -> None:
        leased(machines.lock("a").acquire(machines.wait))
        machines.name = uuid.uuid4().hex
        leased(machines.lock("b").acquire(machines.wait))

    def test_a_released_one_is_taken_at_once_with_a_greater_token(self, machines: Machines) -> None:
        first = leased(machines.lock("a").acquire(machines.wait))
        assert first.release(succeeded=True)
        second = leased(machines.lock("b").acquire(machines.wait))
        assert second.token > first.token
        assert machines.waited == []

    def test_what_a_crash_left_is_watched_for_a_lease_and_taken_over(self, machines: Machines) -> None:
        crashed = leased(machines.lock("a").acquire(machines.wait))
        machines.pass_time(LEASE)
        next_one = leased(machines.lock("b").acquire(machines.wait))
        assert next_one.token > crashed.token
        assert sum(machines.waited) == LEASE.total_seconds()

    def test_until_the_lease_of_a_crashed_one_is_over_it_is_held(self, machines: Machines) -> None:
        leased(machines.lock("a").acquire(machines.wait))
        machines.pass_time(LEASE - MOMENT)
        assert isinstance(machines.lock("b").acquire(machines.wait), Held)

    def test_a_renewed_one_is_held_for_a_lease_from_then(self, machines: Machines) -> None:
        lease = leased(machines.lock("a").acquire(machines.wait))
        for _ in range(5):
            machines.pass_time(LEASE - MOMENT)
            assert lease.renew()
            assert lease.left == LEASE.total_seconds()
        assert isinstance(machines.lock("b").acquire(machines.wait), Held)

    @pytest.mark.parametrize("ahead", [timedelta(hours=3), timedelta(days=-400)])
    def test_a_wrong_clock_never_takes_it_from_one_that_renews(
        self, machines: Machines, ahead: timedelta
    ) -> None:
        lease = leased(machines.lock("a").acquire(machines.wait))

        def wait(seconds: float) -> bool:
            machines.wait(seconds)
            return not lease.renew()

        held = machines.lock("b", ahead=ahead).acquire(wait)
        assert isinstance(held, Held)
        assert held.holder == "a"
        assert lease.renew()

    @pytest.mark.parametrize("ahead", [timedelta(hours=3), timedelta(days=-400), timedelta(seconds=-61)])
    def test_a_wrong_clock_takes_over_what_a_crash_left(self, machines: Machines, ahead: timedelta) -> None:
        crashed = leased(machines.lock("a").acquire(machines.wait))
        machines.pass_time(timedelta(minutes=5))
        assert leased(machines.lock("b", ahead=ahead).acquire(machines.wait)).token > crashed.token

    def test_clocks_a_little_apart_cost_no_watch(self, machines: Machines) -> None:
        leased(machines.lock("a", ahead=MOMENT).acquire(machines.wait))
        assert isinstance(machines.lock("b").acquire(machines.wait), Held)
        assert machines.waited == []

    def test_one_that_is_released_while_it_is_watched_is_taken(self, machines: Machines) -> None:
        lease = leased(machines.lock("a").acquire(machines.wait))

        def wait(seconds: float) -> bool:
            machines.wait(seconds)
            return not lease.release(succeeded=True)

        other = leased(machines.lock("b", ahead=timedelta(hours=1)).acquire(wait))
        assert other.last_success == machines.clocks[0].now()

    def test_who_waits_may_give_up(self, machines: Machines) -> None:
        leased(machines.lock("a").acquire(machines.wait))
        machines.pass_time(LEASE)
        before = machines.table.get({"name": machines.name})
        assert machines.lock("b").acquire(lambda _: True) is None
        assert machines.table.get({"name": machines.name}) == before

    def test_a_lease_that_ran_out_is_lost_also_when_nobody_took_it(self, machines: Machines) -> None:
        lease = leased(machines.lock("a").acquire(machines.wait))
        machines.pass_time(LEASE)
        assert lease.left == 0.0
        assert not lease.renew()
        assert lease.loss.startswith("its lease ran out before it was renewed")

    def test_who_was_overtaken_changes_nothing_any_more(self, machines: Machines) -> None:
        paused = leased(machines.lock("a").acquire(machines.wait))
        machines.pass_time(LEASE)
        leased(machines.lock("b").acquire(machines.wait))
        before = machines.table.get({"name": machines.name})
        assert not paused.renew()
        assert not paused.release(succeeded=True)
        assert paused.loss == "b has taken it"
        assert machines.table.get({"name": machines.name}) == before

    def test_one_whose_item_was_deleted_is_lost_and_nobody_is_blamed(self, machines: Machines) -> None:
        lease = leased(machines.lock("a").acquire(machines.wait))
        machines.table.delete({"name": machines.name})
        assert not lease.renew()
        assert lease.loss == f"its item was deleted from the table '{machines.table.name}'"

    def test_who_was_overtaken_by_one_that_has_ended_by_now_says_so(self, machines: Machines) -> None:
        paused = leased(machines.lock("a").acquire(machines.wait))
        machines.pass_time(LEASE)
        leased(machines.lock("b").acquire(machines.wait)).release(succeeded=True)
        assert not paused.release(succeeded=True)
        assert paused.loss == "another run, which has ended since, has taken it"

    @pytest.mark.parametrize(
        "foreign",
        [
            {},
            {"holder": ""},
            {"holder": "a", "until": "tomorrow"},
            {"holder": "a", "until": "2030-01-01T00:00:00", "token": "?"},
        ],
    )
    def test_what_is_no_lock_under_its_name_is_told_with_table_and_item(
        self, machines: Machines, foreign: dict[str, str]
    ) -> None:
        machines.table.save({"name": machines.name, "colour": "blue", **foreign})
        with pytest.raises(ConfigurationError) as told:
            machines.lock("a").acquire(machines.wait)
        assert f"table '{machines.table.name}' holds an item '{machines.name}'" in str(told.value)
        assert "delete it" in str(told.value)

    def test_what_is_no_lock_and_was_put_in_its_place_takes_it_away(self, machines: Machines) -> None:
        lease = leased(machines.lock("a").acquire(machines.wait))
        machines.table.save({"name": machines.name, "colour": "blue"})
        assert not lease.renew()
        assert lease.loss == f"something else was written over its item in the table '{machines.table.name}'"

    def test_a_renewal_after_the_release_changes_nothing(self, machines: Machines) -> None:
        lease = leased(machines.lock("a").acquire(machines.wait))
        lease.release(succeeded=False)
        leased(machines.lock("b").acquire(machines.wait))
        before = machines.table.get({"name": machines.name})
        assert lease.renew()  # or it would pass for lost
        assert machines.table.get({"name": machines.name}) == before

    def test_the_last_success_is_kept_over_failures_and_crashes(self, machines: Machines) -> None:
        leased(machines.lock("a").acquire(machines.wait)).release(succeeded=True)
        success = machines.clocks[0].now()
        machines.pass_time(MOMENT)
        leased(machines.lock("a").acquire(machines.wait)).release(succeeded=False)
        leased(machines.lock("crashes").acquire(machines.wait))
        machines.pass_time(LEASE)
        assert leased(machines.lock("a").acquire(machines.wait)).last_success == success

    def test_tokens_grow_after_the_item_was_deleted(self, machines: Machines) -> None:
        tokens = []
        for _ in range(3):
            lock = machines.lock("a")
            tokens += [leased(lock.acquire(machines.wait)).token]
            machines.pass_time(MOMENT)
            machines.table.delete({"name": machines.name})
        assert tokens == sorted(set(tokens))

    def test_tokens_grow_where_clocks_do_not(self, machines: Machines) -> None:
        tokens = []
        for ahead in (timedelta(days=1), timedelta(0), timedelta(0), timedelta(days=-1)):
            lease = leased(machines.lock("a", ahead=ahead).acquire(machines.wait))
            tokens.append(lease.token)
            lease.release(succeeded=True)
        assert tokens == sorted(set(tokens))

    def test_an_answer_that_was_lost_leaves_the_lock_ours(self, machines: Machines) -> None:
        losing = LosingAnswers(machines.table)
        lease = leased(machines.lock("a", table=losing).acquire(machines.wait))
        assert lease.renew()
        assert lease.renew()
        assert isinstance(machines.lock("b").acquire(machines.wait), Held)
        assert lease.release(succeeded=True)
        assert leased(machines.lock("b").acquire(machines.wait)).token > lease.token

    def test_a_renewal_without_answer_is_made_up_for_by_the_next(self, machines: Machines) -> None:
        silent = Silent(machines.table)
        lease = leased(machines.lock("a", table=silent).acquire(machines.wait))
        silent.on = True
        machines.pass_time(MOMENT)
        with pytest.raises(Unreachable):
            lease.renew()
        assert lease.left == (LEASE - MOMENT).total_seconds()
        silent.on = False
        machines.pass_time(MOMENT)
        assert lease.renew()
        held = machines.lock("b").acquire(machines.wait)
        assert isinstance(held, Held)
        assert held.until == machines.clocks[0].now() + LEASE

    def test_of_many_at_once_one_has_it_and_tokens_grow(self, machines: Machines) -> None:
        order: list[int] = []
        inside = threading.Semaphore(1)

        def runs(lock: TableLock) -> None:
            for _ in range(4):
                while not isinstance(lease := lock.acquire(machines.wait), Lease):
                    pass
                assert inside.acquire(blocking=False), "two at once"
                order.append(lease.token)
                inside.release()
                assert lease.release(succeeded=True)

        locks = [machines.lock(str(number)) for number in range(6)]
        with ThreadPoolExecutor(len(locks)) as pool:
            list(pool.map(runs, locks))
        assert len(order) == 24
        assert order == sorted(set(order))

    def test_of_many_who_take_over_at_once_one_has_it(self, machines: Machines) -> None:
        leased(machines.lock("crashes").acquire(machines.wait))
        locks = [machines.lock(str(number)) for number in range(8)]
        machines.pass_time(LEASE)
        # All have begun to watch before the watched lease is over.
        together = threading.Barrier(len(locks), action=lambda: machines.pass_time(LEASE))

        def waits() -> Callable[[float], bool]:
            turns = itertools.count()
            return lambda _: next(turns) == 0 and together.wait() < 0

        with ThreadPoolExecutor(len(locks)) as pool:
            found = list(pool.map(lambda lock: lock.acquire(waits()), locks))
        assert len([one for one in found if isinstance(one, Lease)]) == 1
        assert len([one for one in found if isinstance(one, Held)]) == 7

    def test_a_write_with_an_old_token_can_be_refused(self, machines: Machines) -> None:
        report = f"report/{machines.name}"
        paused = leased(machines.lock("a").acquire(machines.wait))
        machines.pass_time(LEASE)
        next_one = leased(machines.lock("b").acquire(machines.wait))
        write_fenced(machines.table, {"name": report, "by": "b"}, next_one.token)
        with pytest.raises(ConditionFailed):
            write_fenced(machines.table, {"name": report, "by": "a"}, paused.token)
        write_fenced(machines.table, {"name": report, "by": "b again"}, next_one.token)
        found = machines.table.get({"name": report})
        assert found is not None
        assert found["by"] == "b again"


def write_fenced(table: Table, item: dict[str, Any], token: int) -> None:
    """As docs/en/worker.md has it."""
    found = table.get({"name": item["name"]}) or {"version": 0, "fencing_token": 0}
    if found["fencing_token"] > token:
        raise ConditionFailed("a later run has written this")
    table.save({**item, "fencing_token": token}, version=found["version"])


class Passed:
    """A table behind another one."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def __getattr__(self, name: str) -> Any:
        return getattr(self._table, name)


class LosingAnswers(Passed):
    """Each conditional write is sent again, as after an answer that got lost, and finds itself."""

    def save(self, item: Any, *, version: int | None = None) -> int:
        self._table.save(item, version=version)
        return self._table.save(item, version=version)


class Silent(Passed):
    """While it is on, writes happen and no answer comes."""

    on = False

    def save(self, item: Any, *, version: int | None = None) -> int:
        saved = self._table.save(item, version=version)
        if self.on:
            raise Unreachable("no answer")
        return saved


class TestInMemory(LockContract):
    @pytest.fixture
    def table(self) -> Table:
        return InMemoryTable(LOCKS)


@pytest.fixture(scope="module")
def lock_table(aws_options: AwsOptions) -> DynamoTable:
    resource = TableResource("lock_contract", key="name")
    Provisioner(aws_options).create(resource)
    return DynamoTable(resource, aws_options)


class TestDynamo(LockContract):
    @pytest.fixture
    def table(self, lock_table: DynamoTable) -> Table:
        return lock_table
