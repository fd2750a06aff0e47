import json
from datetime import timedelta

import pytest

from blackcat import Message
from blackcat.application.idempotency import (
    Begun,
    Conflict,
    Done,
    Idempotency,
    InProgress,
    TableIdempotencyStore,
    by_deduplication_id,
    by_field,
    by_message_id,
)
from blackcat.domain.message import Envelope
from blackcat.domain.outcome import HANDLED, Deferred, Rejected, Retried
from blackcat.errors import Unreachable
from blackcat.resources import TableResource
from blackcat.testing import FrozenClock, InMemoryTable

LEASE = timedelta(seconds=60)
KEYS = TableResource("idempotency", key="key")


class Setting:
    def __init__(self, **options):
        self.clock = FrozenClock()
        self.table = InMemoryTable(KEYS)
        self.store = TableIdempotencyStore(self.table, clock=self.clock)
        self.middleware = Idempotency(store=self.store, lease=LEASE, **options)
        self.handled = []

    def handle(self, message):
        self.handled.append(message.id)
        return HANDLED

    def receive(self, id="m-1", body="{}", handle=None, **more):
        return self.middleware(Message(id=id, body=body, **more), handle or self.handle)


def test_a_redelivered_message_is_handled_once_and_acknowledged():
    setting = Setting()
    assert setting.receive() == HANDLED
    assert setting.receive() == HANDLED
    assert setting.handled == ["m-1"]


def test_different_messages_are_different():
    setting = Setting()
    setting.receive("m-1")
    setting.receive("m-2")
    assert setting.handled == ["m-1", "m-2"]


def test_a_duplicate_that_comes_meanwhile_waits_for_the_lease_by_its_visibility():
    setting = Setting()

    def slow(message):
        setting.clock.advance(timedelta(seconds=20))
        duplicate = setting.receive()
        assert isinstance(duplicate, Deferred)
        assert duplicate.after == timedelta(seconds=40)
        return setting.handle(message)

    assert setting.receive(handle=slow) == HANDLED
    assert setting.handled == ["m-1"]


@pytest.mark.parametrize("outcome", [Retried("later"), Rejected("never")])
def test_a_failed_message_may_be_tried_again_at_once(outcome):
    setting = Setting()
    assert setting.receive(handle=lambda message: outcome) == outcome
    assert setting.receive() == HANDLED
    assert setting.handled == ["m-1"]


def test_a_crash_in_mid_handler_leaves_nothing_stuck_beyond_the_lease():
    setting = Setting()
    assert isinstance(setting.store.begin("m-1", fingerprint="x", lease=LEASE), Begun)
    assert isinstance(setting.receive(), Rejected)
    setting.clock.advance(LEASE)
    assert setting.receive() == HANDLED


def test_the_key_follows_the_lease_of_the_message():
    setting = Setting()
    message = Message(id="m-1", body="{}")

    def slow(received):
        setting.clock.advance(timedelta(seconds=50))
        received.lease.extended(LEASE)
        setting.clock.advance(timedelta(seconds=50))
        assert isinstance(setting.receive(), Deferred)
        return HANDLED

    assert setting.middleware(message, slow) == HANDLED


def test_another_payload_under_the_same_key_is_reported():
    setting = Setting(key=by_field("order"))
    assert setting.receive("m-1", json.dumps({"order": 1, "amount": 10})) == HANDLED
    outcome = setting.receive("m-2", json.dumps({"order": 1, "amount": 99}))
    assert isinstance(outcome, Rejected)
    assert "another payload" in outcome.reason
    assert setting.handled == ["m-1"]


def test_a_done_key_is_forgotten_after_a_while():
    setting = Setting(keep=timedelta(hours=1))
    setting.receive()
    setting.clock.advance(timedelta(hours=1))
    setting.receive()
    assert setting.handled == ["m-1", "m-1"]


def test_who_lost_the_key_changes_nothing():
    setting = Setting()
    first = setting.store.begin("k", fingerprint="x", lease=LEASE)
    setting.clock.advance(LEASE)
    second = setting.store.begin("k", fingerprint="x", lease=LEASE)
    assert isinstance(first, Begun)
    assert isinstance(second, Begun)
    setting.store.abandon("k", first.token)
    setting.store.extend("k", first.token, lease=timedelta(hours=1))
    setting.store.finish("k", first.token, keep=LEASE)
    assert setting.store.begin("k", fingerprint="x", lease=LEASE) == InProgress(LEASE)
    setting.store.finish("k", second.token, keep=LEASE)
    assert setting.store.begin("k", fingerprint="x", lease=LEASE) == Done()
    assert setting.store.begin("k", fingerprint="y", lease=LEASE) == Conflict()


def test_a_heartbeat_after_the_end_does_not_shorten_what_is_remembered():
    setting = Setting()
    begun = setting.store.begin("k", fingerprint="x", lease=LEASE)
    setting.store.finish("k", begun.token, keep=timedelta(days=1))
    setting.store.extend("k", begun.token, lease=LEASE)
    setting.clock.advance(timedelta(hours=1))
    assert setting.store.begin("k", fingerprint="x", lease=LEASE) == Done()


def test_a_heartbeat_in_between_does_not_undo_the_end():
    setting = Setting()
    begun = setting.store.begin("k", fingerprint="x", lease=LEASE)
    get = setting.table.get
    heartbeats = [lambda: setting.store.extend("k", begun.token, lease=LEASE)]

    def read_then_heartbeat(key):
        found = get(key)
        if heartbeats:
            heartbeats.pop()()
        return found

    setting.table.get = read_then_heartbeat
    setting.store.finish("k", begun.token, keep=LEASE)
    assert setting.store.begin("k", fingerprint="x", lease=LEASE) == Done()


def test_a_key_that_was_taken_although_the_answer_was_lost_is_ours():
    setting = Setting()
    save = setting.table.save

    def saved_twice(item, *, version):
        setting.table.save = save
        save(item, version=version)
        return save(item, version=version)  # as a client does whose answer was lost

    setting.table.save = saved_twice
    assert setting.receive() == HANDLED


def test_a_message_whose_lease_ran_out_meanwhile_is_left_and_its_key_too():
    setting = Setting()
    late = Message(id="m-1", body="{}")
    late.lease.lose()
    assert isinstance(setting.middleware(late, setting.handle), Deferred)
    assert setting.handled == []
    assert setting.receive() == HANDLED


def test_a_heartbeat_on_its_way_does_not_take_an_abandoned_key_again():
    setting = Setting()
    begun = setting.store.begin("k", fingerprint="x", lease=LEASE)
    setting.store.abandon("k", begun.token)
    setting.store.extend("k", begun.token, lease=LEASE)
    assert isinstance(setting.store.begin("k", fingerprint="x", lease=LEASE), Begun)


def test_the_key_is_taken_for_what_is_left_of_the_message_s_lease():
    setting = Setting()
    held = Message(id="m-1", body="{}")
    held.lease.run_until(setting.clock.monotonic() + 600, setting.clock.monotonic)

    def slow(received):
        setting.clock.advance(timedelta(seconds=300))
        assert setting.receive() == Deferred("a duplicate of it is being handled", timedelta(seconds=300))
        return HANDLED

    assert setting.middleware(held, slow) == HANDLED


def test_services_that_share_a_store_have_a_scope_each():
    shipping, billing = Setting(scope="shipping"), Setting(scope="billing")
    billing.middleware._store = shipping.store
    shipping.receive()
    billing.receive()
    shipping.receive()
    assert (shipping.handled, billing.handled) == (["m-1"], ["m-1"])


def test_a_key_that_was_taken_over_although_the_answer_was_lost_is_ours():
    setting = Setting()
    setting.store.begin("m-1", fingerprint=None, lease=LEASE)
    setting.clock.advance(LEASE)
    save = setting.table.save

    def saved_twice(item, *, version):
        if version:
            setting.table.save = save
            save(item, version=version)
        return save(item, version=version)

    setting.table.save = saved_twice
    assert setting.receive() == HANDLED


def test_a_store_that_cannot_be_asked_is_a_retry_without_the_handler():
    setting = Setting()

    class Down(TableIdempotencyStore):
        def begin(self, key, *, fingerprint, lease):
            raise Unreachable("refused")

    middleware = Idempotency(store=Down(setting.table, clock=setting.clock))
    outcome = middleware(Message(id="m-1", body="{}"), setting.handle)
    assert isinstance(outcome, Retried)
    assert setting.handled == []


def test_a_store_that_fails_afterwards_does_not_undo_the_outcome():
    setting = Setting()

    class Breaks(TableIdempotencyStore):
        def finish(self, key, token, *, keep):
            raise Unreachable("refused")

    middleware = Idempotency(store=Breaks(setting.table, clock=setting.clock))
    assert middleware(Message(id="m-1", body="{}"), setting.handle) == HANDLED


@pytest.mark.parametrize(
    ("key", "message", "expected"),
    [
        (by_message_id, Message(id="m", body="{}"), "m"),
        (by_message_id, Message(id="m", body="{}", envelope=Envelope("topic", "e", "", {})), "e"),
        (by_deduplication_id, Message(id="m", body="{}", deduplication_id="d"), "d"),
        (by_deduplication_id, Message(id="m", body="{}"), None),
        (by_field("id"), Message(id="m", body='{"id": "a"}'), "a"),
        (by_field("id"), Message(id="m", body='{"id": 7}'), "7"),
        (by_field("id"), Message(id="m", body='{"id": true}'), None),
        (by_field("id"), Message(id="m", body='{"id": {}}'), None),
        (by_field("id"), Message(id="m", body="[]"), None),
        (by_field("id"), Message(id="m", body="not json"), None),
    ],
)
def test_where_a_key_comes_from(key, message, expected):
    assert key(message) == expected


def test_a_message_without_key_is_handled_as_it_comes():
    setting = Setting(key=by_field("order"))
    setting.receive(body="not json")
    setting.receive(body="not json")
    assert setting.handled == ["m-1", "m-1"]
