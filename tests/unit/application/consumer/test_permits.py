from threading import Thread

from blackcat.application.consumer.permits import Permits


def test_what_is_free_is_given_up_to_what_is_asked_for():
    permits = Permits(12)
    assert permits.take(10) == 10
    assert permits.take(10) == 2
    permits.give_back(5)
    assert permits.take(10) == 5


def test_who_finds_none_waits_for_one():
    permits = Permits(1)
    permits.take(1)
    taken = []
    waiting = Thread(target=lambda: taken.append(permits.take(10)))
    waiting.start()
    permits.give_back(1)
    waiting.join(10)
    assert taken == [1]


def test_closing_ends_the_wait():
    permits = Permits(1)
    permits.take(1)
    taken = []
    waiting = Thread(target=lambda: taken.append(permits.take(10)))
    waiting.start()
    permits.close()
    waiting.join(10)
    assert taken == [0]
    permits.give_back(1)
    assert permits.take(1) == 0
