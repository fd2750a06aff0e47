"""What every store of idempotency keys does."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from blackcat.application.idempotency import Begun, Conflict, Done, IdempotencyStore, InProgress
from blackcat.testing.clock import FrozenClock

LEASE = timedelta(minutes=5)
KEEP = timedelta(days=1)
MOMENT = timedelta(seconds=1)


class IdempotencyContract:
    """Inherit it, and give the fixtures ``clock`` and ``store``, a store that goes by that clock."""

    @pytest.fixture
    def key(self) -> str:
        """The key of one test."""
        return f"contract/{uuid.uuid4().hex}"

    def test_a_new_key_is_taken(self, store: IdempotencyStore, key: str) -> None:
        assert isinstance(store.begin(key, fingerprint="a", lease=LEASE), Begun)

    def test_keys_are_apart(self, store: IdempotencyStore, key: str) -> None:
        store.begin(key, fingerprint="a", lease=LEASE)
        assert isinstance(store.begin(f"{key}/2", fingerprint="a", lease=LEASE), Begun)

    def test_a_taken_key_is_in_progress_for_its_lease(
        self, store: IdempotencyStore, clock: FrozenClock, key: str
    ) -> None:
        store.begin(key, fingerprint="a", lease=LEASE)
        clock.advance(MOMENT)
        assert store.begin(key, fingerprint="a", lease=LEASE) == InProgress(LEASE - MOMENT)

    def test_a_key_whose_lease_ran_out_is_taken_by_the_next(
        self, store: IdempotencyStore, clock: FrozenClock, key: str
    ) -> None:
        first = _begun(store, key)
        clock.advance(LEASE)
        second = _begun(store, key)
        assert second.token != first.token

    def test_a_lease_is_extended_from_now(
        self, store: IdempotencyStore, clock: FrozenClock, key: str
    ) -> None:
        begun = _begun(store, key)
        clock.advance(LEASE - MOMENT)
        store.extend(key, begun.token, lease=LEASE)
        clock.advance(LEASE - MOMENT)
        assert store.begin(key, fingerprint="a", lease=LEASE) == InProgress(MOMENT)

    def test_a_finished_key_is_done_for_as_long_as_it_is_kept(
        self, store: IdempotencyStore, clock: FrozenClock, key: str
    ) -> None:
        store.finish(key, _begun(store, key).token, keep=KEEP)
        clock.advance(KEEP - MOMENT)
        assert store.begin(key, fingerprint="a", lease=LEASE) == Done()
        clock.advance(MOMENT)
        assert isinstance(store.begin(key, fingerprint="a", lease=LEASE), Begun)

    def test_an_abandoned_key_is_free_at_once(self, store: IdempotencyStore, key: str) -> None:
        first = _begun(store, key)
        store.abandon(key, first.token)
        assert _begun(store, key).token != first.token

    def test_another_payload_under_the_key_is_a_conflict(self, store: IdempotencyStore, key: str) -> None:
        begun = _begun(store, key)
        assert store.begin(key, fingerprint="b", lease=LEASE) == Conflict()
        store.finish(key, begun.token, keep=KEEP)
        assert store.begin(key, fingerprint="b", lease=LEASE) == Conflict()

    def test_another_payload_may_take_what_is_free_again(
        self, store: IdempotencyStore, clock: FrozenClock, key: str
    ) -> None:
        store.begin(key, fingerprint="a", lease=LEASE)
        clock.advance(LEASE)
        assert isinstance(store.begin(key, fingerprint="b", lease=LEASE), Begun)

    def test_whoever_lost_the_key_changes_nothing(
        self, store: IdempotencyStore, clock: FrozenClock, key: str
    ) -> None:
        lost = _begun(store, key).token
        clock.advance(LEASE)
        store.begin(key, fingerprint="a", lease=LEASE)
        store.extend(key, lost, lease=KEEP)
        store.finish(key, lost, keep=KEEP)
        store.abandon(key, lost)
        assert store.begin(key, fingerprint="a", lease=LEASE) == InProgress(LEASE)

    def test_a_late_heartbeat_changes_nothing(
        self, store: IdempotencyStore, clock: FrozenClock, key: str
    ) -> None:
        token = _begun(store, key).token
        store.finish(key, token, keep=MOMENT)
        store.extend(key, token, lease=LEASE)
        clock.advance(MOMENT)
        again = _begun(store, key).token
        store.abandon(key, again)
        store.extend(key, again, lease=LEASE)
        assert isinstance(store.begin(key, fingerprint="a", lease=LEASE), Begun)

    def test_keys_that_nobody_took_are_left_alone(self, store: IdempotencyStore, key: str) -> None:
        store.extend(key, "token", lease=LEASE)
        store.finish(key, "token", keep=KEEP)
        store.abandon(key, "token")
        assert isinstance(store.begin(key, fingerprint="a", lease=LEASE), Begun)

    def test_of_many_who_take_a_key_at_once_one_has_it(self, store: IdempotencyStore, key: str) -> None:
        with ThreadPoolExecutor(8) as pool:
            taken = list(pool.map(lambda _: store.begin(key, fingerprint="a", lease=LEASE), range(16)))
        assert len([one for one in taken if isinstance(one, Begun)]) == 1
        assert all(isinstance(one, Begun | InProgress) for one in taken)

    def test_of_many_who_take_a_free_key_over_one_has_it(
        self, store: IdempotencyStore, clock: FrozenClock, key: str
    ) -> None:
        store.begin(key, fingerprint="a", lease=LEASE)
        clock.advance(LEASE)
        self.test_of_many_who_take_a_key_at_once_one_has_it(store, key)


def _begun(store: IdempotencyStore, key: str) -> Begun:
    begun = store.begin(key, fingerprint="a", lease=LEASE)
    assert isinstance(begun, Begun)
    return begun
