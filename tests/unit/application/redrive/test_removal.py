"""Redrive and purge: whatever fails and wherever it ends, no message is lost."""

from collections import Counter
from contextlib import suppress
from datetime import timedelta

import pytest

from blackcat.application.ports import BatchFailure, BatchResult
from blackcat.application.redrive.pace import Pace
from blackcat.application.redrive.redriving import SendBack
from blackcat.application.redrive.removal import Removal, Secured, Tally
from blackcat.application.redrive.sweep import swept
from blackcat.application.redrive.wanted import Wanted
from blackcat.errors import AccessDenied, Throttled, Unreachable
from blackcat.resources import QueueResource
from blackcat.testing import FrozenClock, InMemoryBroker

MINUTE = timedelta(minutes=1)


class Killed(BaseException):
    """The process ends here: nothing that comes after in it is done."""


class Watched:
    """A queue whose calls fail as a test says; ``before`` and ``after`` see every call."""

    def __init__(self, queue, step=lambda: None):
        self._queue = queue
        self._step = step
        self.name = queue.name
        self.faults = {}
        self.calls = Counter()

    def __getattr__(self, verb):
        actual = getattr(self._queue, verb)

        def call(*arguments, **named):
            self._step()
            self.calls[verb] += 1
            fault = self.faults.get(verb, [None]).pop(0) if self.faults.get(verb) else None
            if isinstance(fault, Exception):
                raise fault
            result = fault(*arguments, **named) if callable(fault) else actual(*arguments, **named)
            self._step()
            return result

        return call


class Setting:
    """A queue, its dead-letter queue with messages in it, and a way to redrive them."""

    def __init__(self, count=25, *, fifo=False, step=lambda: None):
        self.clock = FrozenClock()
        self.broker = InMemoryBroker(self.clock)
        suffix = ".fifo" if fifo else ""
        self.resource = QueueResource(f"orders{suffix}", content_based_deduplication=fifo)
        self.broker.create(self.resource)
        self.source = Watched(self.broker.queue(self.resource.name), step)
        self.letters = Watched(self.broker.queue(self.resource.dead_letter.name), step)
        for number in range(count):
            self.broker.queue(self.letters.name).send(
                f"m{number}",
                group_id=f"g{number % 3}" if fifo else None,
                deduplication_id=f"d{number}" if fifo else None,
            )
        self.progress = []
        self.paused = []

    def pause(self, seconds):
        self.paused.append(seconds)
        self.clock.advance(timedelta(seconds=seconds))

    def run(self, *, wanted=Wanted(), limit=None, rate=None, stopping=lambda: False, secure=None):  # noqa: B008
        sweeping = swept(
            self.letters, expected=0, visibility=MINUTE, started_at=self.clock.now(), patience=timedelta(0)
        )
        with sweeping as sweep:
            self.tally = Tally()
            removal = Removal(
                queue=self.letters,
                tally=self.tally,
                wanted=wanted,
                secure=secure or SendBack(self.source, sweep),
                pace=Pace(per_second=rate, clock=self.clock, pause=self.pause),
                stopping=stopping,
                pause=self.pause,
                progress=self.progress.append,
                limit=limit,
            )
            removal.run(sweep)
        return self.tally

    def bodies(self, queue):
        """All that lies in the queue, held or not."""
        found = []
        for _ in range(40):
            self.clock.advance(timedelta(minutes=2))
            received = self.broker.queue(queue.name).receive()
            found += [message.body for message in received]
            self.broker.queue(queue.name).delete([message.receipt for message in received])
        return found


def everything(count=25):
    return sorted(f"m{number}" for number in range(count))


@pytest.mark.parametrize("fifo", [False, True])
def test_all_go_back_once(fifo):
    setting = Setting(fifo=fifo)
    tally = setting.run()
    assert (tally.done, tally.kept, tally.failures, tally.undeleted) == (25, 0, [], [])
    assert sum(setting.progress) == 25
    assert sorted(setting.bodies(setting.source)) == everything()
    assert setting.bodies(setting.letters) == []


def test_fifo_groups_keep_their_order():
    setting = Setting(fifo=True)
    setting.run()
    back = setting.bodies(setting.source)
    for group in range(3):
        assert [body for body in back if int(body[1:]) % 3 == group] == [
            f"m{number}" for number in range(25) if number % 3 == group
        ]


def test_only_the_wanted_go_and_the_others_are_given_back():
    setting = Setting()
    tally = setting.run(wanted=Wanted(body="m1"))
    assert tally.done == 11
    assert tally.kept == 14
    assert setting.broker.depth(setting.letters.name).waiting == 14


def test_a_limit_is_kept_to_the_message():
    setting = Setting()
    assert setting.run(limit=12).done == 12
    assert setting.broker.depth(setting.letters.name).waiting == 13


def test_a_message_that_fails_again_at_once_is_redriven_once_per_run():
    setting = Setting(count=3)
    send = setting.source._queue.send_batch

    def send_and_reject(copies):
        # The fastest consumer there can be: what is sent comes straight back as a dead letter.
        setting.clock.advance(timedelta(milliseconds=1))
        result = send(copies)
        for message in setting.source._queue.receive():
            setting.letters._queue.send(message.body)
            setting.source._queue.delete([message.receipt])
        return result

    setting.source.faults["send_batch"] = [send_and_reject] * 9
    assert setting.run().done == 3
    assert setting.source.calls["send_batch"] == 1
    assert setting.broker.depth(setting.letters.name).waiting == 3


@pytest.mark.parametrize("fifo", [False, True])
def test_killed_anywhere_nothing_is_lost_and_a_second_run_ends_it(fifo):
    """Ends the process before and after every single call, as kill -9 would."""
    deaths = 0
    while True:
        left = deaths

        def step():
            nonlocal left
            if left == 0:
                raise Killed
            left -= 1

        setting = Setting(count=25, fifo=fifo, step=step)
        try:
            setting.run()
        except Killed:
            left = -1  # from here on nothing is killed any more
        else:
            break
        deaths += 1
        setting.clock.advance(timedelta(minutes=2))
        setting.run()
        assert setting.bodies(setting.letters) == []
        back = Counter(setting.bodies(setting.source))
        assert sorted(back) == everything(), f"killed at step {deaths}"
        # A batch may be there twice; FIFO knows it again.
        assert sum(back.values()) <= 25 + (0 if fifo else 10)
    assert deaths > 10


def test_an_interruption_gives_back_what_is_held():
    setting = Setting()

    def interrupted(_):
        raise KeyboardInterrupt

    setting.source.faults["send_batch"] = [interrupted]
    with suppress(KeyboardInterrupt):
        setting.run()
    assert setting.broker.depth(setting.letters.name).waiting == 25


def test_a_request_to_stop_ends_it_between_batches():
    setting = Setting()
    tally = setting.run(stopping=lambda: setting.source.calls["send_batch"] >= 1)
    assert tally.interrupted
    assert tally.done == 10
    assert setting.broker.depth(setting.letters.name).waiting == 15


def test_what_the_target_refuses_stays_with_its_reason():
    setting = Setting(count=3)
    refusal = BatchResult({0: "a", 2: "b"}, (BatchFailure(1, "Invalid", "no thanks", False),))
    setting.source.faults["send_batch"] = [lambda _: refusal]
    tally = setting.run()
    assert tally.done == 2
    assert [(failure.reason) for failure in tally.failures] == ["no thanks"]
    assert setting.broker.depth(setting.letters.name).waiting == 1


def test_what_no_fifo_queue_could_take_stays_and_is_told():
    setting = Setting(count=2)
    fifo = setting.broker.create(QueueResource("other.fifo"))
    setting.source = Watched(fifo)
    tally = setting.run()
    assert tally.done == 0
    assert "needs group_id" in tally.failures[0].reason
    assert setting.broker.depth(setting.letters.name).waiting == 2


@pytest.mark.parametrize("error", [Unreachable("no answer"), AccessDenied("no")])
def test_a_failed_call_ends_the_run_and_the_tally_holds(error):
    setting = Setting()
    setting.source.faults["send_batch"] = [None, error]
    with pytest.raises(type(error)):
        setting.run()
    assert setting.tally.done == 10
    assert setting.broker.depth(setting.letters.name).waiting == 15


def test_a_delete_that_fails_for_the_moment_is_tried_again():
    setting = Setting(count=3)
    partly = BatchResult({0: "a"}, (BatchFailure(1, "Busy", "", True), BatchFailure(2, "Busy", "", True)))
    setting.letters.faults["delete"] = [Throttled("slow down"), lambda _: partly]
    tally = setting.run()
    assert tally.undeleted == []
    assert tally.done == 3
    assert len(setting.paused) == 2


def test_a_delete_that_fails_for_good_ends_the_run_before_everything_is_there_twice():
    setting = Setting()
    setting.letters.faults["delete"] = [AccessDenied("no")] * 9
    tally = setting.run()
    assert len(tally.undeleted) == 10
    assert setting.source.calls["send_batch"] == 1
    assert setting.broker.depth(setting.letters.name).waiting == 25


def test_a_refused_delete_is_not_tried_again():
    setting = Setting(count=2)
    refused = BatchResult({0: "a"}, (BatchFailure(1, "ReceiptHandleIsInvalid", "expired", False),))
    setting.letters.faults["delete"] = [lambda _: refused]
    tally = setting.run()
    assert [failure.reason for failure in tally.undeleted] == ["expired"]
    assert (tally.done, setting.paused) == (1, [])


def test_the_rate_is_kept():
    setting = Setting()
    started = setting.clock.monotonic()
    assert setting.run(rate=5).done == 25
    # 25 messages in batches of a second's worth: the last five need not be waited for, but the queue's end.
    assert setting.clock.monotonic() - started == pytest.approx(5, abs=0.2)
    assert setting.source.calls["send_batch"] == 5


def test_a_slow_rate_holds_one_message_at_a_time_and_none_while_it_waits():
    setting = Setting(count=3)
    held = []
    pause = setting.pause

    def watched_pause(seconds):
        held.append(setting.broker.depth(setting.letters.name).in_flight)
        pause(seconds)

    setting.pause = watched_pause
    assert setting.run(rate=1 / 60).done == 3
    assert set(held) == {0}


def test_a_purge_deletes_what_was_saved_only():
    setting = Setting(count=4)
    saved = []

    def save(messages):
        if saved:
            raise OSError("the disk is full")
        saved.extend(messages[:2])
        return Secured(messages[:2])

    tally = setting.run(secure=save)
    assert tally.done == 2
    assert setting.broker.depth(setting.letters.name).waiting == 2
