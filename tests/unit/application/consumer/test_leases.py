from datetime import timedelta

from blackcat import Message
from blackcat.application.consumer.leases import LeaseBook


def message(receipt):
    return Message(id=receipt, body="{}", receipt=receipt)


def book(visibility=60, longest=900):
    return LeaseBook(visibility=timedelta(seconds=visibility), longest=timedelta(seconds=longest))


def receipts(changes):
    return [change.receipt for change in changes]


def test_a_lease_is_due_when_half_of_it_is_gone():
    leases = book()
    leases.hold([message("a")], now=0)
    assert leases.due(now=29) == []
    assert receipts(leases.due(now=30)) == ["a"]
    assert leases.next_due() == 30


def test_an_extension_counts_from_when_it_was_asked_for():
    leases = book()
    leases.hold([message("a")], now=0)
    leases.extended(leases.due(now=30), now=30)
    assert leases.next_due() == 60
    assert leases.due(now=59) == []
    assert receipts(leases.due(now=60)) == ["a"]


def test_a_failed_extension_stays_due():
    leases = book()
    leases.hold([message("a")], now=0)
    assert receipts(leases.due(now=30)) == receipts(leases.due(now=31)) == ["a"]


def test_extensions_end_at_the_longest_handling_time():
    leases = book(visibility=60, longest=100)
    leases.hold([message("a")], now=0)
    first = leases.due(now=30)
    assert first[0].timeout == timedelta(seconds=60)
    leases.extended(first, now=30)
    last = leases.due(now=60)
    assert last[0].timeout == timedelta(seconds=40)
    leases.extended(last, now=60)
    assert leases.due(now=99) == []
    assert leases.expired(now=99) == []
    assert leases.expired(now=100) == ["a"]


def test_a_settled_message_needs_no_care_any_more():
    leases = book()
    leases.hold([message("a"), message("b")], now=0)
    leases.drop(["a", "unknown"])
    assert receipts(leases.due(now=30)) == ["b"]
    assert len(leases) == 1
    assert "b" in leases
    assert "a" not in leases


def test_the_handler_of_a_lost_lease_can_see_it():
    leases = book()
    held, lost = message("a"), message("b")
    leases.hold([held, lost], now=0)
    assert leases.lose(["b", "unknown"]) == [lost]
    assert held.lease.held
    assert not lost.lease.held


def test_nothing_held_is_never_due():
    assert book().next_due() is None


def test_a_queue_with_visibility_zero_breaks_nothing():
    leases = book(visibility=0)
    leases.hold([message("a")], now=0)
    assert receipts(leases.due(now=1)) == ["a"]
