from datetime import timedelta
from threading import Thread

import pytest

from blackcat import Message
from blackcat.application.consumer.leases import LeaseBook
from blackcat.testing import FrozenClock


def message(receipt):
    return Message(id=receipt, body="{}", receipt=receipt)


def receipts(changes):
    return [change.receipt for change in changes]


class Book(LeaseBook):
    """A lease book with its clock at hand."""

    def __init__(self, visibility=60, longest=900):
        self.clock = FrozenClock()
        super().__init__(
            visibility=timedelta(seconds=visibility), longest=timedelta(seconds=longest), clock=self.clock
        )

    def at(self, seconds):
        self.clock.advance(timedelta(seconds=seconds - self.clock.monotonic()))

    def extend(self):
        due = self.take_due()
        self.extended(due, self.clock.monotonic())
        return due


@pytest.fixture
def book():
    return Book()


def test_a_lease_is_due_when_half_of_it_is_gone(book):
    book.hold([message("a")])
    assert book.next_due() == 30
    book.at(29)
    assert book.take_due() == []
    book.at(30)
    assert receipts(book.take_due()) == ["a"]


def test_an_extension_counts_from_when_it_was_asked_for(book):
    book.hold([message("a")])
    book.at(30)
    book.extend()
    assert book.next_due() == 60


def test_an_extension_under_way_is_not_asked_for_again_and_a_failed_one_is(book):
    book.hold([message("a")])
    book.at(30)
    assert receipts(book.take_due()) == ["a"]
    assert book.take_due() == []
    book.not_extended(["a"])
    assert receipts(book.take_due()) == ["a"]


def test_extensions_end_at_the_longest_handling_time():
    book = Book(visibility=60, longest=100)
    book.hold([message("a")])
    book.at(30)
    assert book.extend()[0].timeout == timedelta(seconds=60)
    book.at(60)
    assert book.extend()[0].timeout == timedelta(seconds=40)
    book.at(99)
    assert book.extend() == []
    assert book.expired() == []
    book.at(100)
    assert book.expired() == ["a"]


def test_the_longest_handling_time_begins_with_the_handler_not_with_the_receive():
    book = Book(visibility=60, longest=100)
    held = message("a")
    book.hold([held])
    book.at(50)
    book.begin(held)
    book.extend()
    book.at(100)
    assert book.extend()[0].timeout == timedelta(seconds=50)


def test_a_lease_that_ran_out_is_not_extended_after_a_pause_of_the_process(book):
    held = message("a")
    book.hold([held])
    book.at(61)
    assert book.take_due() == []
    assert not held.lease.held
    assert book.lose(book.expired()) == [held]


def test_a_settled_message_needs_no_care_any_more(book):
    book.hold([message("a"), message("b")])
    book.drop(["a", "unknown"])
    book.at(30)
    assert receipts(book.take_due()) == ["b"]
    assert len(book) == 1


def test_who_drops_a_lease_waits_for_the_heartbeat_under_way(book):
    book.hold([message("a")])
    book.at(30)
    due = book.take_due()
    order = []
    dropping = Thread(target=lambda: (book.drop(["a"]), order.append("dropped")))
    dropping.start()
    order.append("answered")
    book.extended(due, 30)
    dropping.join(10)
    assert order == ["answered", "dropped"]


def test_what_is_being_deleted_is_neither_extended_nor_lost(book):
    held = message("a")
    book.hold([held])
    book.begin_delete(["a"])
    book.at(30)
    assert book.take_due() == []
    assert book.lose(["a"]) == []
    assert book.messages() == []
    book.end_delete(done=[], failed=["a"])
    assert receipts(book.take_due()) == ["a"]
    book.end_delete(done=["a"], failed=[])
    assert len(book) == 0


def test_the_handler_of_a_lost_lease_can_see_it(book):
    held, lost = message("a"), message("b")
    book.hold([held, lost])
    assert book.lose(["b", "unknown"]) == [lost]
    assert held.lease.held
    assert not lost.lease.held


def test_an_extension_is_told_for_what_is_still_held(book):
    held, settled = message("a"), message("b")
    book.hold([held, settled])
    book.at(30)
    due = book.take_due()
    book.end_delete(done=["b"], failed=[])
    assert book.extended(due, 30.0) == [(held.lease, timedelta(seconds=60))]


def test_nothing_held_is_never_due(book):
    assert book.next_due() is None
