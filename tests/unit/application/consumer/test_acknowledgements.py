from blackcat import Message
from blackcat.application.consumer.acknowledgements import (
    ATTEMPTS,
    BATCH_SIZE,
    LONGEST_WAIT,
    Acknowledgements,
)


def message(number):
    return Message(id=str(number), body="{}", receipt=f"r{number}")


def ids(batch):
    return [one.message.id for one in batch]


def test_ten_make_a_batch():
    waiting = Acknowledgements()
    batches = [waiting.add(message(number), now=0) for number in range(BATCH_SIZE)]
    assert batches[:-1] == [[]] * (BATCH_SIZE - 1)
    assert ids(batches[-1]) == [str(number) for number in range(BATCH_SIZE)]
    assert waiting.next_due() is None


def test_fewer_go_after_a_short_while():
    waiting = Acknowledgements()
    waiting.add(message(1), now=5)
    waiting.add(message(2), now=5 + LONGEST_WAIT / 2)
    assert waiting.next_due() == 5 + LONGEST_WAIT
    assert waiting.due(now=5) == []
    assert ids(waiting.due(now=5 + LONGEST_WAIT)) == ["1", "2"]


def test_failed_ones_are_tried_again_and_then_given_up():
    waiting = Acknowledgements()
    waiting.add(message(1), now=0)
    batch = waiting.take_all()
    for _ in range(ATTEMPTS - 1):
        assert waiting.put_back(batch, now=0) == []
        batch = waiting.take_all()
        assert ids(batch) == ["1"]
    assert ids(waiting.put_back(batch, now=0)) == ["1"]
    assert waiting.take_all() == []
