import logging
import threading
from datetime import timedelta

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from blackcat import Handled, Message, Rejected, Retried
from blackcat.entrypoints.aws_lambda.batches import _Batch, handle_batch
from blackcat.entrypoints.aws_lambda.deadline import Deadline, deadline_of
from blackcat.entrypoints.aws_lambda.records import sqs_records
from blackcat.infra.logs.logs import bind_log_fields, clear_log_fields
from blackcat.testing import FrozenClock
from blackcat.testing.events import LambdaContext, sqs_event, sqs_record

ENOUGH = Deadline(lambda: 3600.0)


def over(left=60.0):
    """No time for work, and this for the end."""
    times = iter([3600.0])
    return Deadline(lambda: next(times, left), reserve=3600.0)


def records_of(*bodies, queue="queue"):
    """Records by body; in a FIFO queue the first letter is the group."""
    fifo = queue.endswith(".fifo")
    return sqs_records(
        sqs_event(*[sqs_record(body, queue=queue, group_id=body[0] if fifo else None) for body in bodies])
    )


def answer(records, handle, *, deadline=ENOUGH, **options):
    """The bodies that the answer names."""
    bodies = {record.id: record.message.body if record.message else None for record in records}
    found = handle_batch(records, handle, deadline=deadline, **options)
    assert list(found) == ["batchItemFailures"]
    return [bodies[failure["itemIdentifier"]] for failure in found["batchItemFailures"]]


def join(name):
    for thread in threading.enumerate():
        if thread.name == name:
            thread.join(60)


class Handler:
    """Notes what it handled, and fails what has an ! in its body."""

    def __init__(self):
        self.seen = []

    def __call__(self, message: Message):
        self.seen.append(message.body)
        return Retried("failed") if "!" in message.body else Handled()


def test_what_fails_is_named_and_nothing_else():
    handler = Handler()
    assert answer(records_of("a", "b!", "c"), handler) == ["b!"]
    assert handler.seen == ["a", "b!", "c"]


def test_when_all_is_handled_nothing_is_named():
    assert answer(records_of("a", "b"), Handler()) == []


def test_after_a_failure_the_rest_of_its_group_is_named_unhandled():
    handler = Handler()
    records = records_of("a1", "b1", "a2!", "a3", "b2", queue="q.fifo")
    assert answer(records, handler, concurrency=2) == ["a2!", "a3"]
    assert "a3" not in handler.seen
    assert [body for body in handler.seen if body[0] == "b"] == ["b1", "b2"]


@given(
    bodies=st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=10),
    concurrency=st.integers(1, 4),
)
def test_a_group_is_handled_in_order_up_to_its_first_failure(bodies, concurrency):
    texts = [f"{group}{number}{'!' if fails else ''}" for number, (group, fails) in enumerate(bodies)]
    handler = Handler()
    named = answer(records_of(*texts, queue="q.fifo"), handler, concurrency=concurrency)
    for group in "abc":
        mine = [text for text in texts if text[0] == group]
        first = next((index for index, text in enumerate(mine) if "!" in text), len(mine))
        assert [text for text in handler.seen if text[0] == group] == mine[: first + 1]
        assert [text for text in named if text[0] == group] == mine[first:]


def test_no_more_are_handled_at_once_than_allowed():
    running, most, lock, both = 0, 0, threading.Lock(), threading.Barrier(2, timeout=60)

    def handle(message):
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        both.wait()
        with lock:
            running -= 1
        return Handled()

    assert answer(records_of(*"abcdefgh"), handle, concurrency=2) == []
    assert most == 2


def test_a_record_that_cannot_be_read_fails_alone():
    records = sqs_records(sqs_event(sqs_record("a"), {**sqs_record("b"), "body": None}, sqs_record("c")))
    assert answer(records, Handler()) == [None]


def test_a_fifo_record_without_a_group_stops_what_follows():
    event = sqs_event(*[sqs_record(body, queue="q.fifo", group_id=body) for body in "abc"])
    del event["Records"][1]["attributes"]["MessageGroupId"]
    handler = Handler()
    assert answer(sqs_records(event), handler) == [None, "c"]
    assert handler.seen == ["a"]


def test_the_settlement_has_the_last_word():
    done = answer(records_of("a!", "b"), Handler(), settle=lambda message, outcome: "!" in message.body)
    assert done == ["b"]


@pytest.mark.parametrize("raised", [ValueError("x"), SystemExit(1)])
def test_what_a_middleware_or_the_settlement_raises_leaves_the_message_named(raised):
    def fail(*arguments):
        raise raised

    assert answer(records_of("a"), fail) == ["a"]
    assert answer(records_of("a"), Handler(), settle=fail) == ["a"]


def test_what_is_no_outcome_leaves_the_message_named():
    assert answer(records_of("a"), lambda message: None) == ["a"]


def test_a_rejected_message_is_named_without_a_settlement():
    assert answer(records_of("a"), lambda message: Rejected("no")) == ["a"]


def test_when_the_time_is_over_nothing_is_begun_and_all_is_released():
    released, handler = [], Handler()
    named = answer(records_of("a", "b"), handler, deadline=over(), release=released.extend)
    assert (named, handler.seen) == (["a", "b"], [])
    assert [message.body for message in released] == ["a", "b"]


def test_the_rest_is_returned_once_time_is_short():
    clock = FrozenClock()
    context = LambdaContext(remaining=timedelta(seconds=100), clock=clock)
    handler = Handler()

    def handle(message):
        clock.advance(timedelta(seconds=45))
        return handler(message)

    released = []
    named = answer(records_of(*"abcd"), handle, deadline=deadline_of(context), release=released.extend)
    assert (handler.seen, named) == (["a", "b"], ["c", "d"])
    assert [message.body for message in released] == ["c", "d"]


def test_a_release_that_fails_changes_nothing():
    def fail(messages):
        raise ValueError

    assert answer(records_of("a"), Handler(), deadline=over(), release=fail) == ["a"]


def test_an_answer_does_not_wait_for_a_queue_that_does_not(caplog):
    let_go, calls = threading.Event(), []

    def hang(messages):
        calls.append(len(messages))
        assert let_go.wait(60)

    bodies = [str(number) for number in range(12)]
    named = answer(records_of(*bodies), Handler(), deadline=over(0.1), release=hang)
    assert named == bodies
    [line] = [line for line in caplog.records if line.message == "messages.not_released"]
    assert line.fields["count"] == 12
    let_go.set()
    join("release")
    assert calls == [10]  # what comes after the answer may be somebody else's


def test_the_last_received_are_released_first():
    calls = []
    bodies = [str(number) for number in range(12)]
    answer(records_of(*bodies), Handler(), deadline=over(), release=lambda batch: calls.append(batch))
    assert [[message.body for message in batch] for batch in calls] == [bodies[2:], bodies[:2]]


@pytest.mark.parametrize(("left", "seconds"), [(60.0, 2.0), (1.0, 0.5), (0.0, 0.0)])
def test_the_end_waits_for_a_part_of_what_is_left(left, seconds):
    assert over(left).ending() == seconds


def hanging(let_go, begun):
    def handle(message):
        begun.set()
        assert let_go.wait(60)
        return Handled()

    return handle


def test_handlers_that_have_not_returned_count_against_the_concurrency():
    let_go, begun = threading.Event(), threading.Event()
    answer(records_of("slow"), hanging(let_go, begun), deadline=UntilBegun(begun), concurrency=2)
    running, most, lock = 0, 0, threading.Lock()
    enough = threading.Event()

    def handle(message):
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        enough.wait(0.02)
        with lock:
            running -= 1
        return Handled()

    assert answer(records_of(*"abcdef"), handle, concurrency=2) == []
    let_go.set()
    join("abandoned handler")
    assert most == 1


def test_a_process_full_of_handlers_that_hang_is_given_up():
    let_go = threading.Event()
    hung = [
        threading.Thread(target=let_go.wait, args=[60], name="abandoned handler", daemon=True)
        for _ in range(100)
    ]
    for thread in hung:
        thread.start()
    try:
        with pytest.raises(SystemExit, match="the process begins anew"):
            answer(records_of("a"), Handler(), concurrency=2)
    finally:
        let_go.set()
        for thread in hung:
            thread.join(60)


def test_when_no_further_thread_can_be_started_the_others_do_it_all(caplog):
    refused = threading.Event()

    class Batch(_Batch):
        def _thread(self):
            if self._busy:
                refused.set()
                raise RuntimeError("can't start new thread")
            return super()._thread()

    def handle(message):
        assert refused.wait(60)
        return Handled()

    records = records_of(*"abc")
    batch = Batch(records, handle, ENOUGH, lambda message, outcome: True)
    batch.run(3)
    assert batch.failed() == []
    assert "handler.not_started" in [line.message for line in caplog.records]


def test_each_message_has_the_log_fields_of_the_invocation_and_none_of_the_one_before():
    seen = []

    def handle(message):
        seen.append(dict(structlog.contextvars.get_contextvars()))
        bind_log_fields(order=message.body)
        clear_log_fields()
        return Handled()

    bind_log_fields(lambda_request_id="r")
    try:
        answer(records_of("a", "b"), handle)
    finally:
        clear_log_fields()
    assert seen == [{"lambda_request_id": "r"}] * 2


class UntilBegun(Deadline):
    """Over as soon as a handler has begun."""

    def __init__(self, begun):
        super().__init__(lambda: 60.0)
        self._begun = begun

    def remaining(self):
        return 0.0 if self._begun.is_set() else 0.05


def test_what_still_runs_at_the_deadline_is_named_told_and_has_lost_its_lease(caplog):
    begun, let_go = threading.Event(), threading.Event()

    def handle(message):
        begun.set()
        assert let_go.wait(60)
        return Handled()

    records = records_of("slow")
    with caplog.at_level(logging.ERROR):
        assert answer(records, handle, deadline=UntilBegun(begun)) == ["slow"]
    let_go.set()
    join("abandoned handler")
    assert [line.message for line in caplog.records] == ["message.abandoned"]
    assert not records[0].message.lease.held


@pytest.mark.parametrize(("left", "reserve"), [(100.0, 1.5), (3.0, 0.6), (0.0, 0.0)])
def test_the_reserve_is_a_fifth_of_a_short_time(left, reserve):
    assert Deadline(lambda: left).remaining() == pytest.approx(left - reserve)


def test_a_deadline_counts_down_with_the_context():
    clock = FrozenClock()
    deadline = deadline_of(LambdaContext(remaining=timedelta(seconds=10), clock=clock))
    assert deadline.allows(8)
    assert not deadline.allows(9)
    clock.advance(timedelta(seconds=9))
    assert not deadline.allows()
